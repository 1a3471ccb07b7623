import { ServerDrain } from './drain/drain.ts'
import type { ShutdownHook } from './hooks.ts'
import { closedTooEarly, type ListenRequest, type Source, startListening } from './listen.ts'
import type { ResolvedServe } from './options.ts'
import { joinShutdown, shuttingDown } from './shutdown.ts'
import type { AnyServer, DrainResult, DrainState, Logger, Service } from './types.ts'
import { serverUrl } from './url.ts'

/** How a program that owns the server takes part in its start and its end. */
export interface ServiceParts
  extends Pick<ListenRequest, 'nativeListen' | 'nodeOptions' | 'defaultHost' | 'onError'> {
  /**
   * The first of the hooks when the process shuts down, once every server has drained. It has what
   * is left of `drain.timeout`, and 5 seconds at least.
   */
  finish?: ShutdownHook | undefined
  /** Somebody else ends the process, and finishes. @default () => false */
  endsElsewhere?: (() => boolean) | undefined
}

const SHORTEST_FINISH = 5_000

/** One server, from its listen to the end of its drain. */
export class ServerService<S extends AnyServer> implements Service<S> {
  readonly server: S
  readonly #options: ResolvedServe
  readonly #parts: ServiceParts
  readonly #drain: ServerDrain
  readonly #starting = new AbortController()
  #started: Promise<void> | undefined
  #interrupted = false
  #drainTook = 0
  #source: Source = 'bound'
  // Kept: once the server is closed it has none.
  #address: Service['address'] = ''
  #url = ''

  constructor(server: S, options: ResolvedServe, parts: ServiceParts = {}) {
    this.server = server
    this.#options = options
    this.#parts = parts
    this.#drain = new ServerDrain(server, options.drain)
  }

  async start(): Promise<void> {
    this.#started = this.#listen()
    try {
      await this.#started
    } catch (error) {
      // The process is about to end well; a rejection would make it fail first.
      if (this.#interrupted && this.#options.exit) return new Promise(() => {})
      throw error
    }
  }

  /** Takes part for a server that listens already; nothing is known of its open connections. */
  adopt(): void {
    try {
      this.server.once('close', this.#join())
      this.#noteAddress()
    } catch (error) {
      this.#drain.dispose()
      throw error
    }
  }

  get source(): Source {
    return this.#source
  }

  get address(): Service['address'] {
    return this.#address
  }

  get port(): number | undefined {
    return typeof this.#address === 'string' ? undefined : this.#address.port
  }

  get url(): string {
    return this.#url
  }

  get state(): DrainState {
    return this.#drain.state
  }

  get signal(): AbortSignal {
    return this.#drain.signal
  }

  close({ quick = false }: { quick?: boolean } = {}): Promise<DrainResult> {
    return this.#close(quick)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {})
  }

  async #listen(): Promise<void> {
    const { signal } = this.#options
    const drain = this.#drain
    signal?.throwIfAborted()
    const leave = this.#join()
    // First: whoever hears of it may ask the service.
    const noteAddress = (): void => this.#noteAddress()
    const abort = (): void => this.#starting.abort(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      const request = { ...this.#options, ...this.#parts, signal: this.#starting.signal }
      const onSource = (source: Source): void => {
        this.#source = source
      }
      this.server.once('close', leave).prependOnceListener('listening', noteAddress)
      await startListening(this.server, { ...request, onSource })
    } catch (error) {
      this.server.off('close', leave).off('listening', noteAddress)
      leave()
      drain.dispose()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
    const close = (): void => void this.close()
    signal?.addEventListener('abort', close, { once: true })
    this.server.once('close', () => signal?.removeEventListener('abort', close))
    // Between the event and this line, where the abort was still that of the start.
    if (signal?.aborted) close()
  }

  #join(): () => void {
    const { signals, exit, logger, drain: limits } = this.#options
    const { finish, endsElsewhere } = this.#parts
    const drain = this.#drain
    return joinShutdown({
      signals,
      logger,
      get exit() {
        return exit && !endsElsewhere?.()
      },
      get connections() {
        return drain.connections
      },
      drain: (quick) => this.#shutDown(quick),
      force: () => drain.force(),
      finish: () => {
        if (finish === undefined || endsElsewhere?.()) return undefined
        return {
          run: finish,
          timeout: Math.max(SHORTEST_FINISH, Math.round(limits.timeout - this.#drainTook)),
        }
      },
    })
  }

  #noteAddress(): void {
    this.#address = this.server.address() ?? ''
    this.#url = serverUrl(this.server)
  }

  async #shutDown(quick: boolean): Promise<DrainResult> {
    this.#interrupted = true
    const result = await this.#close(quick)
    this.#drainTook = result.duration
    return result
  }

  async #close(quick: boolean): Promise<DrainResult> {
    const { logger } = this.#options
    if (this.#url === '') {
      // Still starting: nothing is served yet, and nothing may start to be.
      this.#starting.abort(this.#interrupted ? shuttingDown() : closedTooEarly())
      await this.#started?.catch(() => {})
    }
    const first = this.state === 'ready' && this.#url !== ''
    const result = await this.#drain.start({ quick })
    if (first) report(result, this.#url, logger)
    return result
  }
}

function report(result: DrainResult, url: string, logger: Logger): void {
  const { served, expired, forced, duration } = result
  const message =
    `drained ${url} in ${Math.round(duration)} ms: ${served} requests served, ` +
    `${expired} idle connections closed, ${forced} connections cut`
  if (forced > 0) logger.warn(message)
  else logger.info(message)
}
