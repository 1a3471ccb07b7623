import { CommandError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { openOwnOutputs } from '../child/own-output.ts'
import { hasSetpriv } from '../child/setpriv.ts'
import type { RunOptions } from './options.ts'
import { watchdogOf } from './own-manager.ts'
import { Reporter } from './reporter.ts'
import { Run } from './session.ts'
import { closeSockets, openSockets } from './sockets.ts'

/**
 * Runs the command until it is stopped. Resolves with the exit code, after everything was closed.
 *
 * @throws {CommandError} when a socket or the name cannot be used
 */
export async function run(options: RunOptions): Promise<ExitCode> {
  if (process.platform !== 'linux') {
    throw new CommandError(
      `socket-port run needs Linux, and this is ${process.platform}: elsewhere Node cannot keep a socket ` +
        'without accepting on it. Start the program itself; it then binds its own port',
    )
  }
  // Read it now: core removes the variables when it first reads one.
  const watchdog = (options.watchdog ?? watchdogOf(process.env)) || undefined
  const outputs = openOwnOutputs()
  const reporter = new Reporter(outputs.stderr)
  const [sockets, setpriv] = await Promise.all([
    openSockets(options, reporter.logger),
    hasSetpriv(),
  ])
  try {
    const launchContext = { pid: process.pid, setpriv }
    return await new Run(
      { ...options, watchdog },
      sockets,
      launchContext,
      reporter,
      outputs,
    ).toTheEnd()
  } finally {
    closeSockets(sockets)
    outputs.end()
  }
}
