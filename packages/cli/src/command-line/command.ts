import type { ExitCode } from '../base/exit-codes.ts'
import type { Io } from '../base/io.ts'
import type { Parsed } from './parse.ts'

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
