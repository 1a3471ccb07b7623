import type { AnyServer, Logger } from '../base/types.ts'
import { answerProbes, type Probe } from './answer.ts'
import { checkAnswers, type ResolvedProbes } from './options.ts'

/** The probes of one server, from its start until it has closed. */
export class ServerProbes {
  readonly #server: AnyServer
  readonly #options: ResolvedProbes
  readonly #logger: Logger
  readonly #probe: Probe
  #end: (() => void) | undefined
  #ended = false

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

  /** The next process serves: it answers on the port of the probes too. */
  leavePort(): void {
    if (this.#options.port !== undefined) this.end()
  }

  end(): void {
    this.#ended = true
    this.#end?.()
    this.#end = undefined
  }

  async #openPort(port: number): Promise<void> {
    // Imported here: a program without this option does not load it.
    const { openProbePort } = await import('./probe-port.ts')
    const { host } = this.#options
    const end = await openProbePort({ port, host }, this.#probe, this.#logger)
    if (this.#ended) end()
    else this.#end = end
  }
}
