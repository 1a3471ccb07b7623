import { CommandError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { version } from '../base/version.ts'
import type { ControlAnswer } from '../control/client.ts'
import { controlPath } from '../control/path.ts'
import { type ControlServer, type Handler, openControlServer } from '../control/server.ts'
import type { Status } from '../control/status.ts'
import { realClock } from '../supervisor/clock.ts'
import type { Outcome, Supervisor } from '../supervisor/supervisor.ts'
import type { FdStore } from './fd-store.ts'
import type { KeptPaths } from './kept-paths.ts'
import { nameOf } from './name.ts'
import type { RunOptions } from './options.ts'
import type { ReloadLog } from './reload-log.ts'
import type { Reporter } from './reporter.ts'
import type { KeptSocket } from './sockets.ts'
import { statusOf } from './status.ts'

export interface ControlContext<Spec> {
  options: RunOptions
  sockets: readonly KeptSocket[]
  paths: KeptPaths
  store: FdStore
  reporter: Reporter
  supervisor: Supervisor<Spec>
  reloadLog: ReloadLog<Spec>
  /** Stops everything, and resolves with the exit code of this process. */
  stop(): Promise<ExitCode>
}

/** Opens the control socket. Warns and returns `undefined` where no directory for one can be used. */
export async function openControl<Spec>(
  context: ControlContext<Spec>,
): Promise<ControlServer | undefined> {
  const { options, reporter } = context
  const { control } = options
  try {
    return await openControlServer(control ?? controlPath(nameOf(options)), requestHandler(context))
  } catch (error) {
    // A path that the user gave, or a name that is taken, is an error, not a warning.
    if (control !== undefined || error instanceof CommandError) throw error
    const { message } = error as Error
    reporter.logger.warn(
      `there is no control socket (${message}): use signals, or name a place with --control`,
    )
    return undefined
  }
}

function requestHandler<Spec>(context: ControlContext<Spec>): Handler {
  const { supervisor, reporter, reloadLog } = context
  const { table } = supervisor.pool
  return async (command, progress) => {
    if (command === 'status') {
      return { ...done(reloadLog.summary), status: statusNow(context) }
    }
    if (command === 'stop') {
      const exitCode = await context.stop()
      const how =
        exitCode === 5
          ? '; some had to be sent SIGKILL'
          : exitCode === 7
            ? '; one has cut connections, or ended with an error'
            : ''
      return { ...done(`every process has ended${how}`), ok: exitCode === 0, exitCode }
    }
    const unsubscribe = reporter.listen(progress)
    const outcome = await supervisor.reload()
    // Answer only when the old processes accept no more, so that a client that connects then reaches the new generation.
    const draining = table.workers.filter(({ state }) => state === 'draining')
    if (outcome.ok) await Promise.all(draining.map(({ milestones }) => milestones.retired))
    unsubscribe()
    return reloadAnswer(outcome)
  }
}

const done = (message: string): ControlAnswer => ({ ok: true, exitCode: 0, message })

function reloadAnswer({ ok, generation, failure }: Outcome): ControlAnswer {
  if (ok) return done(`generation ${generation} serves`)
  const { message = '', output = '' } = failure ?? {}
  const said = output === '' ? '' : `\n${output.replace(/^/gm, '  | ')}`
  return { ok, exitCode: 1, message: `generation ${generation} failed: ${message}${said}` }
}

function statusNow<Spec>(context: ControlContext<Spec>): Status {
  const { options, sockets, paths, store, supervisor, reloadLog } = context
  paths.look()
  const { table, restarts, isStopping, slots } = supervisor.pool
  const serves = slots.some(({ current }) => current !== undefined)
  const busy = supervisor.isReloading ? (serves ? 'reloading' : 'starting') : 'running'
  return statusOf({
    ...{ name: nameOf(options), version: version(), command: options.command, sockets, paths },
    ...{ workers: table.workers, restarts, reloads: reloadLog.reloads, stored: store.all },
    connections: table.connections,
    ...{ state: isStopping ? 'stopping' : busy, now: realClock.now() },
  })
}
