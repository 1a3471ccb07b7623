import type { ExitCode } from '../base/exit-codes.ts'
import type { Io } from '../base/io.ts'

/** One option, as the parser and the help need it. */
export interface Option {
  /** The placeholder of the value in help, such as `PORT`. An option without a value has none. */
  readonly value?: string
  readonly short?: string
  /** The value of a long option that is typed without one: before a word that begins with a dash, or as the last word. */
  readonly alone?: string
  /** Its names in other tools or commands, such as `--port` and `-p`. An error about such a name suggests this option. */
  readonly elsewhere?: readonly string[]
  /** The option may be repeated, and every value counts. */
  readonly many?: true
  readonly summary: string
}

export interface Argument {
  readonly name: string
  /** What a user may write before it, as if it were an option: `--pid`. An error about that word names this argument. */
  readonly elsewhere?: readonly string[]
  readonly summary: string
  readonly optional?: true
}

/** The parsed command line after the name of the command. */
export interface Parsed<Name extends string = string> {
  has(name: Name): boolean
  /** The last value of the option. */
  last(name: Name): string | undefined
  all(name: Name): readonly string[]
  /** The words that are neither options nor part of `rest`. */
  readonly arguments: readonly string[]
  /** The program to start and its arguments, with or without `--` before them; undefined when absent. */
  readonly rest: readonly string[] | undefined
}

interface Definition<Name extends string> {
  readonly name: string
  /** Its names in other tools. An error about such a name suggests this command. */
  readonly elsewhere?: readonly string[]
  /** One sentence, for the list of commands. */
  readonly summary: string
  /** More sentences, for the help of the command. */
  readonly details?: string
  readonly arguments?: readonly Argument[]
  /**
   * The arguments after `--`, such as `COMMAND…`. When absent, the command takes none. For a command without
   * `arguments`, the first word begins it too.
   */
  readonly rest?: Argument
  readonly options: Readonly<Record<Name, Option>>
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** Runs the command. Throws a UsageError for an invalid value, before it does anything. */
  execute(parsed: Parsed<Name>, io: Io): Promise<ExitCode>
}

export type Command = Definition<string>

/** Defines a command; `execute` can ask only for its own options. */
export function defineCommand<Name extends string>(definition: Definition<Name>): Command {
  return definition as Command
}
