import { onceClosed } from '../base/own-listener.ts'
import type { AnyServer, DrainResult, DrainState, Service } from '../base/types.ts'
import { resolveOptions } from '../base/validate.ts'
import { NOTHING_DRAINED, ServerDrain, type StartOptions } from '../drain/drain.ts'
import { START_OPTIONS } from '../drain/options.ts'
import { listenForRestart } from '../handover/restart-signal.ts'
import type { ShutdownHook } from '../lifecycle/hooks.ts'
import {
  endIdleProcess,
  joinShutdown,
  runningShutdown,
  shuttingDown,
} from '../lifecycle/process-shutdown.ts'
import { closeOnAbort } from '../listen/listen.ts'
import { noteListening } from '../listen/listening-servers.ts'
import { StartAbort } from '../listen/start-abort.ts'
import { type ListenRequest, type Source, startListening } from '../listen/start-listening.ts'
import { closedTooEarly } from '../listen/start-outcome.ts'
import { managerListens } from '../notify/notifier.ts'
import { beginStart, type Start } from '../notify/readiness.ts'
import { ServerProbes } from '../probes/server-probes.ts'
import { logDrained } from './drain-report.ts'
import { IdleWatch } from './idle-exit.ts'
import type { ResolvedServe } from './options.ts'
import { ServerHandover } from './server-handover.ts'
import { serverUrl } from './url.ts'

/** How a framework takes part in the start and the end of a service. */
export interface ServiceParts
  extends Pick<
    ListenRequest,
    'nativeListen' | 'nodeOptions' | 'defaultHost' | 'announces' | 'onError'
  > {
  /**
   * Called once when the drain asks connections to leave: after `drain.delay`, and before it waits for
   * requests in flight. The framework can use it to end connections that would stay open otherwise.
   * New requests still come. The drain ends WebSockets when the promise that this returns has settled, and after
   * `drain.closeGrace` at the latest.
   */
  onDrain?: (() => unknown) | undefined
  /**
   * The first hook of the shutdown, after every server has drained. Its time-out is the rest of
   * `drain.timeout`, but at least 5 seconds.
   */
  finish?: ShutdownHook | undefined
  /** The framework ends the process, and calls `finish` itself. @default () => false */
  endsElsewhere?: (() => boolean) | undefined
}

const SHORTEST_FINISH = 5_000

/** One server, from listen to the end of its drain. */
export class ServerService<S extends AnyServer> implements Service<S> {
  readonly server: S
  readonly #options: ResolvedServe
  readonly #parts: ServiceParts
  readonly #drain: ServerDrain
  readonly #handover: ServerHandover
  readonly #probes: ServerProbes | undefined
  readonly #abort = new StartAbort()
  #started: Promise<void> | undefined
  #interrupted = false
  #drainTook = 0
  #source: Source = 'bound'
  /** A manager keeps the socket listening, and starts the process again for the next connection. */
  #activated = false
  #idle: IdleWatch | undefined
  /** Where it listens or has listened: a closed server has no address. `undefined` until it listens. */
  #address: Service['address'] | undefined

  constructor(server: S, options: ResolvedServe, parts: ServiceParts = {}) {
    this.server = server
    this.#options = options
    this.#parts = parts
    const { probes, logger } = options
    if (probes !== undefined) {
      this.#probes = new ServerProbes(server, probes, () => this.#isServed, logger)
    }
    this.#drain = new ServerDrain(server, options.drain)
    this.#handover = new ServerHandover(server, options.logger)
  }

  async start(): Promise<void> {
    this.#started = this.#listen()
    try {
      await this.#started
    } catch (error) {
      // The shutdown ends the process. A rejection would end it earlier, with an error.
      if (this.#interrupted && this.#options.exit) return new Promise(() => {})
      throw error
    }
  }

  /** Starts the service of a server that listens already. It knows open connections only if they are plain HTTP/1.1. */
  attach(): void {
    const { notify, logger } = this.#options
    try {
      onceClosed(this.server, this.#join())
      this.#noteAddress()
      noteListening(this.server, { request: this.#attached(), source: 'bound', fd: undefined })
      const start = beginStart(this.server, notify, logger)
      this.#beginProbes()?.catch((error) => this.server.emit('error', error))
      this.#begin(start)
    } catch (error) {
      this.#drain.dispose()
      throw error
    }
  }

  // The program itself told the server where to listen. Only the resulting address is known.
  #attached(): ResolvedServe {
    const { address } = this
    if (typeof address === 'string') return { ...this.#options, path: address }
    return { ...this.#options, port: address.port }
  }

  get source(): Source {
    return this.#source
  }

  get address(): Service['address'] {
    return this.#address ?? ''
  }

  get port(): number | undefined {
    return typeof this.address === 'string' ? undefined : this.address.port
  }

  get url(): string {
    return this.#address === undefined ? '' : serverUrl(this.server, this.#address)
  }

  /** It listens, or has listened. */
  get hasListened(): boolean {
    return this.#address !== undefined
  }

  get state(): DrainState {
    // A start that was taken back has nothing to drain, and never gets ready.
    if (!this.hasListened && this.#abort.aborted && this.#drain.state === 'ready') return 'draining'
    return this.#drain.state
  }

  get signal(): AbortSignal {
    return this.#drain.signal
  }

  close(options: { quick?: boolean } = {}): Promise<DrainResult> {
    const { quick } = resolveOptions(options, START_OPTIONS, 'Service.close')
    return this.#close({ quick, sparesOwnClients: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {})
  }

  async #listen(): Promise<void> {
    const { signal, notify, logger } = this.#options
    const drain = this.#drain
    signal?.throwIfAborted()
    const leave = this.#join()
    const start = beginStart(this.server, notify, logger)
    const onListening = (): void => {
      this.#noteAddress()
      this.#begin(start)
    }
    const withdraw = (): void => {
      this.server.off('close', leave)
      leave()
      drain.dispose()
      this.server.off('close', this.#endProbes)
      void this.#probes?.end()
    }
    // At once, before a listener of the program lets the server listen again: each start has listeners of its own.
    const onError = (error: NodeJS.ErrnoException): void => {
      withdraw()
      this.#parts.onError?.(error)
    }
    try {
      const request = { ...this.#options, ...this.#parts, onError, abort: this.#abort }
      const onSource = (source: Source, stored: boolean): void => {
        this.#source = source
        this.#activated = source === 'inherited' && !stored
        this.#handover.prepare()
      }
      onceClosed(this.server, leave)
      const before = this.#probes && (() => this.#beginProbes())
      await startListening(this.server, { ...request, before, onSource, onListening })
    } catch (error) {
      if (this.#abort.aborted) start.withdrawn()
      else start.failed(error)
      withdraw()
      throw error
    }
    // An abort after the 'listening' event has reached only the start.
    if (signal !== undefined) closeOnAbort(this.server, signal, () => void this.close())
  }

  /** New connections are served, by this process or by the next one. */
  get #isServed(): boolean {
    return this.hasListened && (this.state === 'ready' || this.#drain.isReplaced)
  }

  #beginProbes(): Promise<void> | undefined {
    if (this.#probes === undefined) return undefined
    onceClosed(this.server, this.#endProbes)
    return this.#probes.begin()
  }

  readonly #endProbes = (): void => {
    const end = (): void => void this.#probes?.end()
    // The hooks of a shutdown run after the server has closed. Until they have run, the process is alive.
    void (runningShutdown() ?? Promise.resolve()).then(end, end)
  }

  #join(): () => void {
    const { signals, exit, notify, logger, drain: limits } = this.#options
    const { finish, endsElsewhere } = this.#parts
    const drain = this.#drain
    if (signals.includes('SIGTERM')) listenForRestart()
    return joinShutdown({
      signals,
      logger,
      notify,
      timeout: limits.timeout,
      get exit() {
        return exit && !endsElsewhere?.()
      },
      get connections() {
        return drain.connections
      },
      isIdle: () => this.#idle?.idle ?? false,
      get left() {
        return drain.left
      },
      leftToProgram: () => drain.leftToProgram(),
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

  async #tell(onDrain: () => unknown): Promise<void> {
    try {
      await onDrain()
    } catch (error) {
      this.#options.logger.warn(
        `the framework could not end its own connections when the drain began: ${error}; ` +
          'those that stay open are cut at the deadline (drain.timeout)',
      )
    }
  }

  #watchIdle(idleExit: number): void {
    if (!this.#activated) {
      this.#options.logger.warn(
        `idleExit has no effect on ${this.url}: this process bound its socket itself, so no manager would start it ` +
          'again for the next connection. Let a .socket unit of systemd open the socket',
      )
      return
    }
    const idle = new IdleWatch(this.#drain, idleExit, endIdleProcess)
    this.#idle = idle
    onceClosed(this.server, () => idle.stop())
  }

  #noteAddress(): void {
    this.#address = this.server.address() ?? ''
  }

  /** The server listens. */
  #begin(start: Start): void {
    const { idleExit } = this.#options
    if (idleExit !== undefined) this.#watchIdle(idleExit)
    this.#handover.start(() => start.listening(() => this.url))
  }

  async #shutDown(quick: boolean): Promise<DrainResult> {
    this.#interrupted = true
    if (!this.hasListened) return this.#close({ quick })
    const { receiver, targetFor, reportDrained } =
      this.#handover.now ?? (await this.#handover.load())
    receiver().stop()
    const { drain, notify, logger } = this.#options
    const handOver = drain.idle !== 'promise' && notify && managerListens()
    const findTarget = () => targetFor(this.server, drain.idle === 'handover', logger)
    const result = await this.#close({ quick, ...(handOver && { findTarget }) })
    this.#drainTook = result.duration
    reportDrained(result, logger)
    return result
  }

  async #close(options: StartOptions): Promise<DrainResult> {
    const { logger } = this.#options
    if (!this.hasListened) {
      // The server has not listened yet, and must not begin to.
      this.#abort.abort(this.#interrupted ? shuttingDown() : closedTooEarly())
      await this.#started?.catch(() => {})
      // Never listened. The server may listen for a later service by now, which a drain would close.
      if (this.state === 'closed') return { ...NOTHING_DRAINED, duration: 0 }
    }
    const first = this.state === 'ready' && this.hasListened
    this.#handover.stop()
    const left = this.#drain.isReplaced ? this.#probes?.leavePort() : undefined
    const { onDrain } = this.#parts
    const tell = onDrain && (() => this.#tell(onDrain))
    const result = await this.#drain.begin({ ...options, tell, logger })
    await left
    if (first) logDrained(result, this.url, logger)
    return result
  }
}
