import { publish } from '../base/channels.ts'
import type { Logger } from '../base/types.ts'
import { type Checks, type Complete, invalid, logger, resolveOptions } from '../base/validate.ts'
import { monotonicMicroseconds, statusText } from '../notify/message.ts'
import { notifier } from '../notify/notifier.ts'
import { perProcess } from '../process/per-process.ts'
import { type Hook, hookFailure, hookTimeout } from './hooks.ts'
import { runningShutdown } from './process-shutdown.ts'

/** Called when the process is told to reload. */
export type ReloadHook = () => unknown

export interface ReloadHookOptions {
  /** After this many milliseconds the hook counts as failed and the next one runs. @default 5000 */
  timeout?: number | undefined
  /** @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

const OPTIONS: Checks<Complete<ReloadHookOptions>> = {
  timeout: hookTimeout,
  logger,
}

interface LoggedHook extends Hook<[]> {
  logger: Logger
}

/** The reloads of a process: runs each hook on SIGHUP, and tells the manager when a reload begins and ends. */
class Reloads {
  readonly #hooks = new Set<LoggedHook>()
  /** `again`: a signal has come that the running reload does not cover. */
  #state: 'resting' | 'running' | 'again' = 'resting'
  /** The STATUS= from before a failed reload. */
  #statusBefore: string | undefined

  add(hook: LoggedHook): () => void {
    this.#hooks.add(hook)
    if (this.#hooks.size === 1) process.on('SIGHUP', this.#onSignal)
    return () => {
      this.#hooks.delete(hook)
      if (this.#hooks.size === 0) process.off('SIGHUP', this.#onSignal)
    }
  }

  readonly #onSignal = async (): Promise<void> => {
    const isRunning = this.#state !== 'resting'
    // Signals during a reload cause one more: the hooks may have read what has changed since.
    this.#state = 'again'
    if (isRunning) return
    while (this.#isAsked && runningShutdown() === undefined) {
      this.#state = 'running'
      await this.#reload()
    }
    this.#state = 'resting'
  }

  get #isAsked(): boolean {
    return this.#state === 'again'
  }

  async #reload(): Promise<void> {
    const sender = notifier()
    // Before the first READY=1 the manager waits for the start: the READY=1 of a reload would end it.
    const told = sender.state === 'ready'
    if (told) sender.post({ RELOADING: 1, MONOTONIC_USEC: monotonicMicroseconds() })
    const failures: string[] = []
    const started = performance.now()
    for (const hook of [...this.#hooks]) {
      const failure = await hookFailure(hook)
      if (failure === undefined) continue
      const name = hook.run.name || '(anonymous)'
      failures.push(`${name} ${failure.split('\n', 1)[0]}`)
      hook.logger.error(
        `the reload hook ${name} ${failure}; the process goes on with what this hook has loaded before`,
      )
    }
    const duration = performance.now() - started
    publish.reload({ ok: failures.length === 0, failed: failures.length, duration })
    if (!told) return
    if (failures.length > 0) {
      this.#statusBefore ??= sender.status
      sender.post({ READY: 1, STATUS: statusText(`reload failed: ${failures.join('; ')}`) })
    } else if (this.#statusBefore !== undefined) {
      sender.post({ READY: 1, STATUS: this.#statusBefore })
      this.#statusBefore = undefined
    } else sender.post({ READY: 1 })
  }
}

// Every copy of this package in the process shares one: the manager waits for one READY=1.
const shared = perProcess<Reloads>('reload/1')

/**
 * Adds a hook that runs whenever the process gets SIGHUP, after the hooks that were added before. The
 * manager is told when the reload begins and ends, as `Type=notify-reload` requires (systemd 253). Add
 * hooks before the process is ready: from then on systemd may send SIGHUP, which ends a process without
 * a listener.
 *
 * When a hook throws or takes too long, an error is logged, the next hook runs, and the process goes on.
 * Signals during a reload cause one more reload. A draining process does not reload. Returns a function
 * that removes the hook.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export function onReload(hook: ReloadHook, options: ReloadHookOptions = {}): () => void {
  if (typeof hook !== 'function') {
    throw invalid('a reload hook', hook, 'a function: onReload(() => server.setSecureContext(…))')
  }
  const given = resolveOptions(options, OPTIONS, 'onReload')
  notifier()
  return shared.get(() => new Reloads()).add({ run: hook, ...given })
}
