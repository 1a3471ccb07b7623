import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { Command, Option, Parsed } from './command.ts'
import { nearest } from './suggest.ts'

const HELP: Option = { short: 'h', summary: 'Show this help.' }

/** The options of a command, and the ones that every command has. */
export const optionsOf = ({ options }: Command): Readonly<Record<string, Option>> => ({
  ...options,
  help: HELP,
})

/** Parses the arguments of a command; throws a UsageError for an unknown or incomplete one. */
export function parse(command: Command, argv: readonly string[]): Parsed {
  const { tokens } = parseArgs({
    args: argv.map((word, at) => word + valueAlone(command, word, argv[at + 1])),
    options: config(optionsOf(command)),
    // The messages of strict mode suggest no repair, so the checks are below.
    strict: false,
    tokens: true,
  })
  const given = new Map<string, string[]>()
  const words: string[] = []
  let rest: string[] | undefined
  for (const token of tokens) {
    if (token.kind === 'option-terminator') {
      rest = argv.slice(token.index + 1)
      // As with rm(1): for a command that starts no program, -- only ends the options.
      if (command.rest === undefined) words.push(...rest)
      break
    }
    if (token.kind === 'positional') {
      // As with env(1) and nohup(1): the words after the program's name belong to the program.
      if (command.rest !== undefined && command.arguments === undefined) {
        rest = argv.slice(token.index)
        break
      }
      words.push(token.value)
    } else give(given, token.name, optionValue(command, token))
  }
  const parsed: Parsed = {
    has: (name) => given.has(name),
    last: (name) => given.get(name)?.at(-1),
    all: (name) => given.get(name) ?? [],
    arguments: words,
    rest,
  }
  if (!parsed.has('help')) checkArguments(command, parsed)
  return parsed
}

/** `=VALUE`, to add to an option whose value may be missing, and is missing; else nothing. `parseArgs` would take the next word as the value. */
function valueAlone(command: Command, word: string, next: string | undefined): string {
  const alone = word.startsWith('--') ? optionNamed(command, word.slice(2))?.alone : undefined
  return alone === undefined || (next !== undefined && !next.startsWith('-')) ? '' : `=${alone}`
}

function optionNamed(command: Command, name: string): Option | undefined {
  const options = optionsOf(command)
  return Object.hasOwn(options, name) ? options[name] : undefined
}

function config(options: Readonly<Record<string, Option>>): ParseArgsConfig['options'] {
  return Object.fromEntries(
    Object.entries(options).map(([name, { value, short }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  )
}

function give(given: Map<string, string[]>, name: string, value: string): void {
  const values = given.get(name)
  if (values) values.push(value)
  else given.set(name, [value])
}

interface OptionToken {
  name: string
  rawName: string
  value: string | undefined
  inlineValue: boolean | undefined
}

function optionValue(command: Command, token: OptionToken): string {
  const { name, rawName, value, inlineValue } = token
  const option = optionNamed(command, name)
  if (option === undefined) throw unknownOption(command, rawName)
  const placeholder = option.value
  if (placeholder === undefined) {
    if (value === undefined) return ''
    throw new UsageError(`${rawName} takes no value (got ${quote(value)})`)
  }
  // `--listen --workers 2`: the value is missing. With `=` a value may begin with a dash.
  if (value === undefined || value === '' || (!inlineValue && value.startsWith('-'))) {
    const seen =
      inlineValue || !value || value === '--' ? '' : ` (${quote(value)} reads as an option)`
    throw new UsageError(`${rawName} needs a value: ${rawName} ${placeholder}${seen}`)
  }
  return value
}

function unknownOption(command: Command, rawName: string): UsageError {
  const options = optionsOf(command)
  const names = Object.keys(options)
  const known = names.find((name) => options[name]?.elsewhere?.includes(rawName))
  const fix =
    (known === undefined ? otherPlace(command, rawName) : undefined) ??
    meantOption(known ?? similar(rawName, names)) ??
    `See socket-port ${command.name} --help`
  return new UsageError(`${command.name} has no option ${quote(rawName)}. ${fix}`)
}

const meantOption = (name: string | undefined): string | undefined =>
  name && `Did you mean --${name}?`

function similar(rawName: string, names: readonly string[]): string | undefined {
  if (!rawName.startsWith('--')) return undefined
  const word = rawName.slice(2)
  // `--env` and `--env-file-if-exists` mean --env-file.
  const longer = names.find((name) => word.startsWith(`${name}-`) || name.startsWith(`${word}-`))
  return nearest(word, names) ?? longer
}

/** Where a word belongs that is no option of the command: it is an argument, or an option of node. */
function otherPlace(command: Command, rawName: string): string | undefined {
  const argument = command.arguments?.find(({ elsewhere }) => elsewhere?.includes(rawName))
  if (argument !== undefined) return `Write ${argument.name} without it, ${example(command)}`
  const startsProgram = command.rest !== undefined && command.arguments === undefined
  return startsProgram && process.allowedNodeEnvironmentFlags.has(rawName)
    ? `It is an option of node: write it after node, as in socket-port ${command.name} -- node ${rawName} …`
    : undefined
}

function checkArguments(command: Command, { arguments: words, rest }: Parsed): void {
  const wanted = command.arguments ?? []
  const missing = wanted.find(({ optional }, index) => !optional && words[index] === undefined)
  if (missing !== undefined) {
    throw new UsageError(`${command.name} needs ${missing.name}, ${example(command)}`)
  }
  const surplus = words[wanted.length]
  if (surplus !== undefined) throw surplusArgument(command, surplus, words)
  if (command.rest === undefined || (command.rest.optional && rest === undefined)) return
  if (rest === undefined || rest[0] === undefined || rest[0] === '') {
    throw new UsageError(`${command.name} needs a command after --, ${example(command)}`)
  }
}

// The name of a `socket-port run` is most often its port, so `reload 8080` is meant to choose that one.
function surplusArgument(command: Command, word: string, words: readonly string[]): UsageError {
  const { name, arguments: [argument] = [], rest } = command
  if (argument !== undefined) {
    const place = rest === undefined ? '' : '. A command, and words for the program, stand after --'
    const seen = words.map(quote).join(' and ')
    return new UsageError(
      `${name} takes one ${argument.name} (got ${seen})${place}, ${example(command)}`,
    )
  }
  const fix = Object.hasOwn(command.options, 'name')
    ? `; to choose one by its name: socket-port ${name} --name ${word}`
    : `, ${example(command)}`
  return new UsageError(`${name} takes no argument ${quote(word)}${fix}`)
}

const example = ({ examples }: Command): string => `e.g. ${examples[0]?.[0]}`
