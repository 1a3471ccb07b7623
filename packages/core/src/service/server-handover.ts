import { later } from '../base/later.ts'
import type { AnyServer, Logger } from '../base/types.ts'
import { queuesWait } from '../listen/socket-registry.ts'
import { notifier } from '../notify/notifier.ts'
import { hasSupervisor } from '../process/environment.ts'

const parts = later(() => import('./handover-parts.ts'))

type HandoverParts = typeof import('./handover-parts.ts')

/**
 * The hand-over of one server: connections of the previous process, and its own for the next process. The code is
 * loaded when the server listens; earlier if the previous process may send something.
 */
export class ServerHandover {
  readonly #server: AnyServer
  readonly #logger: Logger
  /** Pending while the code is loaded that receives connections. */
  #started: Promise<void> | undefined
  #stop: () => void = () => {}

  constructor(server: AnyServer, logger: Logger) {
    this.#server = server
    this.#logger = logger
  }

  /** Call it when the inherited sockets are known, before the server listens. */
  prepare(): void {
    // start() reports what goes wrong.
    if (mayReceive()) parts.load().catch(() => {})
  }

  /**
   * Receives connections of the previous process from now on, because the server listens. `ready` is called when
   * it does; at once where none can come.
   */
  start(ready: () => void): void {
    if (parts.now !== undefined) {
      this.#begin(parts.now)
      ready()
    } else if (mayReceive()) {
      this.#waitFor(ready)
    } else {
      ready()
      // What cannot be loaded is tried again for the drain.
      parts.soon().then(this.#beginIfWanted(), () => {})
    }
  }

  #waitFor(ready: () => void): void {
    // Claim the variables now, before the program can start child processes.
    if (hasSupervisor()) notifier(this.#logger)
    this.#started = parts
      .load()
      .then(this.#beginIfWanted())
      .catch((error: Error) => {
        this.#logger.warn(
          `connections of the previous process cannot be received (${error.message}); install ` +
            '@socket-port/core once more',
        )
      })
      .finally(() => {
        this.#started = undefined
        ready()
      })
  }

  /** Stops receiving. */
  stop(): void {
    this.#stop()
  }

  /** The parts, if they are loaded and the server receives what it can. */
  get now(): HandoverParts | undefined {
    return this.#started === undefined ? parts.now : undefined
  }

  /** The parts. A message that the supervisor has sent before is read by then. */
  async load(): Promise<HandoverParts> {
    await this.#started
    return parts.load()
  }

  /** Begins when the code is loaded, unless the server has closed by then. */
  #beginIfWanted(): (loaded: HandoverParts) => void {
    let wanted = true
    this.#stop = () => {
      wanted = false
    }
    return (loaded) => {
      if (wanted && this.#server.listening) this.#begin(loaded)
    }
  }

  #begin({ startReceiving }: HandoverParts): void {
    this.#stop = startReceiving(this.#server, this.#logger)
  }
}

const mayReceive = (): boolean => hasSupervisor() || queuesWait()
