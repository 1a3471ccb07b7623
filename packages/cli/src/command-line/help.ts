import { exitCodes } from '../base/exit-codes.ts'
import { type Output, styled } from '../base/io.ts'
import type { Argument, Command, Option } from './command.ts'
import { optionsOf } from './parse.ts'

type Row = readonly [term: string, text: string]

/** The help of the program: its purpose and its commands. */
export function programHelp(commands: readonly Command[], output: Output): string {
  return join([
    usage('COMMAND [OPTION…]', output),
    wrap(
      'Restarts a server without dropping a request: keeps the sockets, starts the new process, then drains the old one.',
      0,
      output,
    ),
    section(
      'Commands',
      commands.map(({ name, summary }) => [name, summary]),
      output,
    ),
    section(
      'Options',
      [
        ['-h, --help, help', 'Show this help, or with a command its options and examples.'],
        ['--version, version', 'Show the version.'],
      ],
      output,
    ),
    examples(
      commands.flatMap((command) => command.examples.slice(0, 1)),
      output,
    ),
    exitCodeSection(output),
  ])
}

/** The help of one command: its options, examples and exit codes. */
export function commandHelp(command: Command, output: Output): string {
  const { name, summary, details = '', rest } = command
  const words = (command.arguments ?? []).map(placeholder)
  const afterDashes = rest && (rest.optional ? `[-- ${rest.name}]` : `-- ${rest.name}`)
  return join([
    usage([name, '[OPTION…]', ...words, afterDashes ?? []].flat().join(' '), output),
    wrap(`${summary} ${details}`.trim(), 0, output),
    section(
      'Arguments',
      [...(command.arguments ?? []), ...(rest ? [rest] : [])].map((argument) => [
        argument.name,
        argument.summary,
      ]),
      output,
    ),
    section('Options', Object.entries(optionsOf(command)).map(optionRow), output),
    examples(command.examples, output),
    'Exit codes: see socket-port --help.',
  ])
}

const placeholder = ({ name, optional }: Argument): string => (optional ? `[${name}]` : name)

function optionRow([name, { short, value, summary, many }]: [string, Option]): Row {
  const term = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
  return [term, many ? `${summary} May be repeated.` : summary]
}

const usage = (line: string, output: Output): string =>
  `${styled(output, 'bold', 'Usage:')} socket-port ${line}`

function section(title: string, rows: readonly Row[], output: Output): string {
  if (rows.length === 0) return ''
  // One term that is much longer than the others must not move all texts to the right.
  const width = Math.min(24, Math.max(...rows.map(([term]) => term.length)))
  const lines = rows.map(([term, text]) => {
    const indent = width + 4
    const first =
      term.length > width ? `  ${term}\n${' '.repeat(indent)}` : `  ${term.padEnd(width)}  `
    return first + wrap(text, indent, output)
  })
  return [styled(output, 'bold', `${title}:`), ...lines].join('\n')
}

function examples(lines: Command['examples'], output: Output): string {
  const shown = lines.map(
    ([line, what]) => `  ${styled(output, 'cyan', line)}\n      ${wrap(what, 6, output)}`,
  )
  return [styled(output, 'bold', 'Examples:'), ...shown].join('\n')
}

function exitCodeSection(output: Output): string {
  return section(
    'Exit codes',
    Object.entries(exitCodes).map(([code, meaning]) => [code, meaning.replaceAll('`', '')]),
    output,
  )
}

/** Breaks a text at the width of the terminal, or at 80 columns without one. */
function wrap(text: string, indent: number, { columns = 80 }: Output): string {
  const width = Math.max(20, Math.min(columns, 100) - indent)
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}

const join = (parts: readonly string[]): string =>
  `${parts.filter((part) => part !== '').join('\n\n')}\n`
