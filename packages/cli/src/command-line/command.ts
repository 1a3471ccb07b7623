import type { ExitCode } from '../base/exit-codes.ts'
import type { Io } from '../base/io.ts'

/** One option, for the parser and for help. */
export interface Option {
  /** The name of the value in help, such as `PORT`. A switch has none. */
  readonly value?: string
  readonly short?: string
  /** The option may be given several times, and each counts. */
  readonly many?: true
  readonly summary: string
}

export interface Argument {
  readonly name: string
  readonly summary: string
  readonly optional?: true
}

/** The parsed command line after the name of the command. */
export interface Parsed<Name extends string = string> {
  has(name: Name): boolean
  /** The last value of the option. */
  last(name: Name): string | undefined
  all(name: Name): readonly string[]
  /** What is neither an option nor part of `rest`. */
  readonly arguments: readonly string[]
  /** What is behind `--`, or begins with the program to start; undefined without one. */
  readonly rest: readonly string[] | undefined
}

interface Definition<Name extends string> {
  readonly name: string
  /** One sentence, for the list of commands. */
  readonly summary: string
  /** Further sentences, for the command's own help. */
  readonly details?: string
  readonly arguments?: readonly Argument[]
  /** The arguments after `--`, such as `COMMAND…`. Without it there may be none. */
  readonly rest?: Argument
  readonly options: Readonly<Record<Name, Option>>
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** Runs the command. Throws a UsageError for a wrong value, before it does anything. */
  execute(parsed: Parsed<Name>, io: Io): Promise<ExitCode>
}

export type Command = Definition<string>

/** Defines a command; `execute` can ask only for its own options. */
export function defineCommand<Name extends string>(definition: Definition<Name>): Command {
  return definition as Command
}
