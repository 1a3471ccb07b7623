import type { Logger } from '../types.ts'
import { statusText } from './message.ts'
import { notifier } from './notifier.ts'

/** A server on its way to listening, as the readiness of the process sees it. */
export interface Start {
  /** It listens. */
  listening(url: string): void
  /** It could not, and nobody had asked it to stop trying. */
  failed(): void
  /** It was closed, or the process shuts down. */
  withdrawn(): void
}

interface Starting {
  listening: boolean
}

/** When every server that is starting listens, the process is ready: READY=1, once. */
class Readiness {
  /** By server: whether READY=1 waits for it. */
  readonly #starting = new Map<Starting, boolean>()
  readonly #urls = new Map<Starting, string>()
  readonly #failed = new Set<Starting>()
  readonly #waiting: (() => void)[] = []
  #logger: Logger | undefined
  #pending: NodeJS.Immediate | undefined
  #saidFailed = false

  begin(server: Starting, notify: boolean, logger: Logger): Start {
    this.#starting.set(server, notify)
    // It tries again.
    this.#failed.delete(server)
    // Now: the environment is cleared before the program starts children.
    const voice = notify ? notifier(logger) : undefined
    if (notify) this.#logger = logger
    // No server is held for a manager that has been told, or that is not there.
    const mustBeTold = (): boolean => voice?.heard === true && !voice.ready
    const settle = (): void => {
      this.#starting.delete(server)
      this.#decideSoon()
    }
    return {
      listening: (url) => {
        if (mustBeTold()) this.#urls.set(server, url)
        settle()
      },
      failed: () => {
        if (mustBeTold()) this.#failed.add(server)
        settle()
      },
      withdrawn: settle,
    }
  }

  whenAllListen(callback: () => void): void {
    this.#waiting.push(callback)
    this.#decideSoon()
  }

  // Not at once: a program awaits one server and starts the next, and that is one start.
  #decideSoon(): void {
    this.#pending ??= setImmediate(() => {
      this.#pending = undefined
      this.#decide()
    })
  }

  #decide(): void {
    const asking = [...this.#starting.values()].some((notify) => notify)
    if (!asking && this.#logger !== undefined) this.#announce(this.#logger)
    if (this.#starting.size > 0) return
    for (const callback of this.#waiting.splice(0)) callback()
  }

  #announce(logger: Logger): void {
    const urls = [...this.#urls].flatMap(([server, url]) => (server.listening ? url : []))
    const voice = notifier()
    if (urls.length === 0 || !voice.heard || voice.ready) return
    if (this.#failed.size === 0) {
      voice.post({ READY: 1, STATUS: statusText(`listening on ${urls.join(', ')}`) })
      this.#urls.clear()
    } else if (!this.#saidFailed) {
      this.#saidFailed = true
      logger.warn(
        'the manager is not told that the process is ready, because a server could not listen; ' +
          'let it listen, or, where the process serves without it, call notify({ ready: true })',
      )
    }
  }
}

// One for every copy of this package in the process: each would say that it is ready too early.
const key = Symbol.for('@socket-port/core/readiness/1')
const globals = globalThis as { [key]?: Readiness }

function shared(): Readiness {
  globals[key] ??= new Readiness()
  return globals[key]
}

/** Counts a server among those that start; with `notify`, READY=1 waits for it. */
export const beginStart = (server: Starting, notify: boolean, logger: Logger): Start =>
  shared().begin(server, notify, logger)

/** Calls back once, soon, as soon as no service of the process is about to listen. */
export const whenAllListen = (callback: () => void): void => shared().whenAllListen(callback)
