import { afterPoll } from '../base/after-poll.ts'
import type { AnyServer, Logger } from '../base/types.ts'
import { answerProbes, type Probe } from './answer.ts'
import { checkAnswers, type ResolvedProbes } from './options.ts'

/** The probes of one server, from its start until it has closed. */
export class ServerProbes {
  readonly #server: AnyServer
  readonly #options: ResolvedProbes
  readonly #logger: Logger
  readonly #probe: Probe
  #end: (() => unknown) | undefined
  #ended = false
  #ending: unknown

  /** Throws ERR_SOCKET_PORT_INVALID_OPTION where the server cannot answer them. */
  constructor(server: AnyServer, options: ResolvedProbes, isReady: () => boolean, logger: Logger) {
    checkAnswers(server, options)
    this.#server = server
    this.#options = options
    this.#logger = logger
    this.#probe = { paths: options, isReady }
  }

  /**
   * Answers from now on; with a port of their own, as soon as the promise resolves. It rejects where that port
   * cannot be opened.
   */
  begin(): Promise<void> | undefined {
    const { port } = this.#options
    if (port !== undefined) return this.#openPort(port)
    this.#end = answerProbes(this.#server, this.#probe)
    return undefined
  }

  /**
   * Leaves the port of the probes to the next process, which serves already. Resolves when the probes that have come
   * are answered.
   */
  async leavePort(): Promise<void> {
    if (this.#options.port === undefined) return
    // What waits in the queue would be reset with a socket of SO_REUSEPORT. So accept it first: in a whole turn of the
    // event loop, because this one may have polled before.
    await new Promise<void>((resolve) => afterPoll(() => afterPoll(resolve)))
    await this.end()
  }

  async end(): Promise<void> {
    this.#ended = true
    this.#ending ??= this.#end?.()
    await this.#ending
  }

  async #openPort(port: number): Promise<void> {
    // Imported here: a program without this option does not load it.
    const { openProbePort } = await import('./probe-port.ts')
    const { host } = this.#options
    const end = await openProbePort({ port, host }, this.#probe, this.#logger)
    if (this.#ended) await end()
    else this.#end = end
  }
}
