import type { ExitCode } from './exit-codes.ts'

/** An expected failure: its message is all that is shown, and the process exits with `exitCode`. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The command line is wrong. The message quotes the value and says how to correct it. */
export class UsageError extends CommandError {
  override readonly name: string = 'UsageError'

  constructor(message: string) {
    super(message, 2)
  }
}

/** The line that is printed for an error, and the exit code. */
export function explain(error: unknown): { line: string; exitCode: ExitCode } {
  if (error instanceof CommandError) return { line: error.message, exitCode: error.exitCode }
  if (!(error instanceof Error)) return { line: String(error), exitCode: 1 }
  const code = 'code' in error ? String(error.code) : undefined
  // An invalid value in an error of core comes from the command line: all other values were checked here.
  if (code?.startsWith('ERR_SOCKET_PORT_INVALID_')) {
    return { line: error.message, exitCode: 2 }
  }
  // Compare the name: core must not be loaded just to print an error.
  const expected = error.name === 'SocketPortError' || /^E[A-Z0-9]+$/.test(code ?? '')
  const line = expected ? error.message : `this is a bug, please report it: ${error.stack}`
  return { line, exitCode: 1 }
}

/**
 * The line and the exit code when stdout could not be written. `exitCode` is the one of the command itself:
 * a failure of the command matters more than lost output.
 */
export function unwritten(
  { message }: Error,
  exitCode: ExitCode,
): { line: string; exitCode: ExitCode } {
  const line = `stdout cannot be written (${message})`
  if (exitCode !== 0) return { line: `${line}; the output of the command is lost`, exitCode }
  const done = 'the command did its work, and only its output is lost'
  return { line: `${line}; ${done}`, exitCode: 74 }
}
