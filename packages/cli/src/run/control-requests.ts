import { CommandError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { version } from '../base/version.ts'
import { controlPath } from '../control/path.ts'
import type { ControlAnswer } from '../control/protocol.ts'
import { type ControlServer, type Handler, openControlServer } from '../control/server.ts'
import type { Status } from '../control/status.ts'
import type { Reporter } from '../output/reporter.ts'
import { realClock } from '../supervisor/clock.ts'
import type { Outcome } from '../supervisor/supervisor.ts'
import type { Generations } from './generations.ts'
import type { KeptPaths } from './kept-paths.ts'
import { nameOf } from './name.ts'
import type { RunOptions } from './options.ts'
import { howItEnded } from './shutdown.ts'
import type { KeptSocket } from './sockets.ts'
import { statusOf } from './status.ts'

export interface ControlContext {
  options: RunOptions
  sockets: readonly KeptSocket[]
  paths: KeptPaths
  reporter: Reporter
  generations: Generations
  /** Stops everything, and resolves with the exit code of this process. */
  stop(): Promise<ExitCode>
}

/** Opens the control socket. Warns and returns `undefined` if no directory can be used for it. */
export async function openControl(context: ControlContext): Promise<ControlServer | undefined> {
  const { options, reporter } = context
  const { control } = options
  try {
    return await openControlServer(control ?? controlPath(nameOf(options)), requestHandler(context))
  } catch (error) {
    // A path that the user gave, or a name that is taken, is an error, not a warning.
    if (control !== undefined || error instanceof CommandError) throw error
    const { message } = error as Error
    reporter.logger.warn(
      `there is no control socket (${message}): use signals, or pass --control PATH`,
    )
    return undefined
  }
}

function requestHandler(context: ControlContext): Handler {
  const { generations, reporter } = context
  const { supervisor, reloadLog } = generations
  const { table } = supervisor.pool
  return async (command, progress) => {
    if (command === 'status') {
      return { ...done(reloadLog.summary), status: statusNow(context) }
    }
    if (command === 'stop') {
      const exitCode = await context.stop()
      return { ...done(howItEnded(exitCode)), ok: exitCode === 0, exitCode }
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
  const quoted = output === '' ? '' : `\n${output.replace(/^/gm, '  | ')}`
  return { ok, exitCode: 1, message: `generation ${generation} failed: ${message}${quoted}` }
}

function statusNow(context: ControlContext): Status {
  const { options, sockets, paths, generations } = context
  const { supervisor, reloadLog, store } = generations
  paths.check()
  const { table, restarts, isStopping, slots } = supervisor.pool
  const serves = slots.some(({ current }) => current !== undefined)
  const busy = supervisor.isReloading ? (serves ? 'reloading' : 'starting') : 'running'
  return statusOf({
    name: nameOf(options),
    version: version(),
    state: isStopping ? 'stopping' : busy,
    command: options.command,
    sockets,
    paths,
    workers: table.workers,
    restarts,
    reloads: reloadLog.reloads,
    connections: table.connections,
    stored: store.all,
    now: realClock.now(),
  })
}
