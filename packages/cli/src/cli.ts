import { explain, UsageError } from './base/errors.ts'
import type { ExitCode } from './base/exit-codes.ts'
import { type Io, styled } from './base/io.ts'
import { quote } from './base/quote.ts'
import { version } from './base/version.ts'
import { commandHelp, programHelp } from './command-line/help.ts'
import { parse } from './command-line/parse.ts'
import { nearest } from './command-line/suggest.ts'
import { commands } from './commands/index.ts'

/** Runs the arguments of `socket-port`, and resolves with the exit code; never rejects. */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatch(argv, io)
  } catch (error) {
    const { line, exitCode } = explain(error)
    io.stderr.write(`${styled(io.stderr, 'red', 'socket-port: error:')} ${line}\n`)
    return exitCode
  }
}

async function dispatch([name, ...argv]: readonly string[], io: Io): Promise<ExitCode> {
  if (name === undefined) {
    io.stderr.write(programHelp(commands, io.stderr))
    return 2
  }
  if (name === '--version' || name === '-v' || name === '-V' || name === 'version') {
    io.stdout.write(`${version()}\n`)
    return 0
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const [topic] = argv
    const text = topic === undefined ? programHelp(commands, io.stdout) : help(topic, io)
    io.stdout.write(text)
    return 0
  }
  const command = commandNamed(name)
  const parsed = parse(command, argv)
  if (parsed.has('help')) {
    io.stdout.write(commandHelp(command, io.stdout))
    return 0
  }
  return command.execute(parsed, io)
}

const help = (topic: string, { stdout }: Io): string => commandHelp(commandNamed(topic), stdout)

function commandNamed(name: string): (typeof commands)[number] {
  const found = commands.find((command) => command.name === name)
  if (found !== undefined) return found
  const names = commands.map((command) => command.name)
  const meant =
    commands.find(({ elsewhere }) => elsewhere?.includes(name))?.name ??
    nearest(name, [...names, 'help', 'version'])
  const fix = name.startsWith('-')
    ? `Write the command first: socket-port run ${name}`
    : meant === undefined
      ? `The commands are ${names.join(', ')}; to run your own: socket-port run -- COMMAND`
      : `Did you mean ${meant}?`
  throw new UsageError(`there is no command ${quote(name)}. ${fix}`)
}
