import { publish } from '../base/channels.ts'
import type { Logger } from '../base/types.ts'
import { perProcess } from '../process/per-process.ts'
import { LateFailures } from './late-failures.ts'
import { statusText } from './message.ts'
import { type Notifier, notifier } from './notifier.ts'

/** The start of one server: the process is ready when all starts have ended. */
export interface Start {
  /** The server listens. */
  listening(url: () => string): void
  /** The server could not listen, and nothing had aborted its start. */
  failed(error: unknown): void
  /** The start was aborted: the server was closed, or the process shuts down. */
  withdrawn(): void
}

interface Starting {
  listening: boolean
}

/** Sends READY=1 once, when every server that was starting listens. Reports a server that fails later. */
class Readiness {
  /** The latest start of each server that has not ended, and whether READY=1 waits for it. */
  readonly #starting = new Map<Starting, { notify: boolean }>()
  readonly #urls = new Map<Starting, string>()
  readonly #failed = new Set<Starting>()
  readonly #waiting: (() => void)[] = []
  #logger: Logger | undefined
  #pending: NodeJS.Immediate | undefined
  #warned = false
  /** Whether a server listens that was started here, and whether that was published. */
  #listens: 'no' | 'yes' | 'published' = 'no'
  readonly #lateFailures = new LateFailures()

  begin(server: Starting, notify: boolean, logger: Logger): Start {
    const start = { notify }
    this.#starting.set(server, start)
    // The program starts a server that has failed once more.
    this.#failed.delete(server)
    this.#lateFailures.forget(server)
    // Claim the variables now, before the program can start child processes.
    const sender = notify ? notifier(logger) : undefined
    if (notify) this.#logger = logger
    const settle = (note: (sender: Notifier) => void): void => {
      // The program has started the server once more since.
      if (this.#starting.get(server) !== start) return
      if (sender?.hasManager) note(sender)
      this.#starting.delete(server)
      this.#decideSoon()
    }
    // Keep no reference to a server once READY=1 was sent, or when there is no manager.
    return {
      listening: (url) => {
        if (this.#listens === 'no') this.#listens = 'yes'
        settle((to) => {
          if (to.state === 'starting') this.#urls.set(server, url())
          else this.#lateFailures.recovered(server, to)
        })
      },
      failed: (error) =>
        settle(({ state }) => {
          if (state === 'starting') this.#failed.add(server)
          else if (state === 'ready') this.#lateFailures.add(server, error)
        }),
      withdrawn: () => settle(() => {}),
    }
  }

  whenAllListen(callback: () => void): void {
    this.#waiting.push(callback)
    this.#decideSoon()
  }

  // Deferred: a program that awaits one server and then starts the next is still starting.
  #decideSoon(): void {
    this.#pending ??= setImmediate(() => {
      this.#pending = undefined
      this.#decide()
    })
  }

  #decide(): void {
    const asking = [...this.#starting.values()].some(({ notify }) => notify)
    if (!asking && this.#logger !== undefined) {
      this.#announce(this.#logger)
      this.#lateFailures.report(this.#logger)
    }
    if (this.#starting.size > 0) return
    if (this.#listens === 'yes') {
      this.#listens = 'published'
      publish.ready({ duration: performance.now() })
    }
    for (const callback of this.#waiting.splice(0)) callback()
  }

  #announce(logger: Logger): void {
    const urls = [...this.#urls].flatMap(([server, url]) => (server.listening ? url : []))
    const sender = notifier()
    if (urls.length === 0 || !sender.hasManager || sender.state !== 'starting') return
    if (this.#failed.size === 0) {
      sender.post({ READY: 1, STATUS: statusText(`listening on ${urls.join(', ')}`) })
      this.#urls.clear()
    } else if (!this.#warned) {
      this.#warned = true
      logger.warn(
        'READY=1 is not sent, because a server could not listen. Let it listen; or, if the process ' +
          'serves without it, call notify({ ready: true })',
      )
    }
  }
}

// Every copy of this package in the process shares one: a copy that knows only its own servers would send
// READY=1 too early.
const readiness = perProcess<Readiness>('readiness/1')

const shared = (): Readiness => readiness.get(() => new Readiness())

/** Counts the server as starting. With `notify`, READY=1 waits for it. */
export const beginStart = (server: Starting, notify: boolean, logger: Logger): Start =>
  shared().begin(server, notify, logger)

/** Holds READY=1 back, because a server without a service (`listen`) could not listen. */
export const failedToStart = (server: Starting, error: unknown, logger: Logger): void =>
  beginStart(server, true, logger).failed(error)

/** Calls back once, asynchronously, when no server of the process is starting. */
export const whenAllListen = (callback: () => void): void => shared().whenAllListen(callback)
