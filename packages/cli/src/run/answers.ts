import type { ControlAnswer } from '../control/client.ts'
import { controlPath } from '../control/path.ts'
import { type ControlServer, type Handler, openControlServer } from '../control/server.ts'
import type { Status } from '../control/status.ts'
import { CommandError } from '../errors.ts'
import { realClock } from '../supervisor/clock.ts'
import type { Outcome, Supervisor } from '../supervisor/supervisor.ts'
import { version } from '../version.ts'
import type { Account } from './account.ts'
import type { ExitCode } from './exit-codes.ts'
import type { FdStore } from './fd-store.ts'
import type { KeptPaths } from './kept-paths.ts'
import { nameOf } from './name.ts'
import type { RunOptions } from './options.ts'
import type { Reporter } from './reporter.ts'
import type { KeptSocket } from './sockets.ts'
import { statusOf } from './status.ts'

export interface Answering<Spec> {
  options: RunOptions
  sockets: readonly KeptSocket[]
  paths: KeptPaths
  store: FdStore
  reporter: Reporter
  supervisor: Supervisor<Spec>
  account: Account<Spec>
  /** Stops everything, and resolves with the exit code of this process. */
  stop(): Promise<ExitCode>
}

/** Opens the control socket. Warns and returns `undefined` where no directory for one can be used. */
export async function openControl<Spec>(
  answering: Answering<Spec>,
): Promise<ControlServer | undefined> {
  const { options, reporter } = answering
  const { control } = options
  try {
    return await openControlServer(control ?? controlPath(nameOf(options)), answerer(answering))
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

function answerer<Spec>(answering: Answering<Spec>): Handler {
  const { supervisor, reporter, account } = answering
  const { population } = supervisor.crew
  return async (command, progress) => {
    if (command === 'status') {
      return { ...done(account.summary), status: statusNow(answering) }
    }
    if (command === 'stop') {
      const exitCode = await answering.stop()
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
    const draining = population.workers.filter(({ state }) => state === 'draining')
    if (outcome.ok) await Promise.all(draining.map(({ moments }) => moments.retired))
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

function statusNow<Spec>(answering: Answering<Spec>): Status {
  const { options, sockets, paths, store, supervisor, account } = answering
  paths.look()
  const { population, restarts, isStopping, slots } = supervisor.crew
  const serves = slots.some(({ current }) => current !== undefined)
  const busy = supervisor.isReloading ? (serves ? 'reloading' : 'starting') : 'running'
  return statusOf({
    ...{ name: nameOf(options), version: version(), command: options.command, sockets, paths },
    ...{ workers: population.workers, restarts, reloads: account.reloads, stored: store.all },
    connections: population.connections,
    ...{ state: isStopping ? 'stopping' : busy, now: realClock.now() },
  })
}
