import type { Io } from './io.ts'
import type { Parsed } from './parse.ts'
import type { ExitCode } from './run/exit-codes.ts'

/** One option, for the parser and for help. */
export interface Option {
  /** What the value is called in help, such as `PORT`; a switch has none. */
  readonly value?: string
  readonly short?: string
  /** It may be given more than once, and each time counts. */
  readonly many?: true
  readonly summary: string
}

export interface Argument {
  readonly name: string
  readonly summary: string
  readonly optional?: true
}

interface Definition<Name extends string> {
  readonly name: string
  /** One sentence, for the list of commands. */
  readonly summary: string
  /** Further sentences, for the command's own help. */
  readonly details?: string
  readonly arguments?: readonly Argument[]
  /** What follows `--`, such as `COMMAND…`; without it nothing may. */
  readonly rest?: Argument
  readonly options: Readonly<Record<Name, Option>>
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** Throws a UsageError where a value is wrong, before anything is done. */
  execute(parsed: Parsed<Name>, io: Io): Promise<ExitCode>
}

export type Command = Definition<string>

/** A command whose `execute` may ask only for the options that it has. */
export function defineCommand<Name extends string>(definition: Definition<Name>): Command {
  return definition as Command
}
