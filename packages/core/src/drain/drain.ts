import { getEventListeners, setMaxListeners } from 'node:events'
import { Server as NetServer } from 'node:net'
import { publish } from '../base/channels.ts'
import { later, loadLater } from '../base/later.ts'
import { defaultLogger } from '../base/logger.ts'
import { onceClosed } from '../base/own-listener.ts'
import type {
  AnyServer,
  Drain,
  DrainOptions,
  DrainResult,
  DrainState,
  Logger,
} from '../base/types.ts'
import { checkServer, resolveOptions } from '../base/validate.ts'
import { stopTimeoutChecks } from '../node/request-timeouts.ts'
import { claimSuccessor, successorRuns } from '../process/successor.ts'
import { Connections } from './connections.ts'
import type { Counts, DrainRun, DrainRunOptions } from './drain-run.ts'
import type { TransferTarget } from './idle/transfer.ts'
import { type ResolvedDrain, resolveDrain, START_OPTIONS } from './options.ts'

// The algorithm, with the protocols and the strategies.
const drainRun = later(() => import('./drain-run.ts'))

/**
 * The longest time of the quick form in milliseconds: a person at a terminal waits for it, or a watcher with new
 * code.
 */
export const QUICK_TIMEOUT = 3_000

/** The counts of a drain of a server without connections. */
export const NOTHING_DRAINED: Readonly<Counts> = {
  graceful: true,
  served: 0,
  handedOver: 0,
  expired: 0,
  forced: 0,
  webSockets: { closed: 0, handedOver: 0, cut: 0 },
  eventStreams: { closed: 0, handedOver: 0, cut: 0 },
  tunnels: { closed: 0, handedOver: 0, cut: 0 },
}

/**
 * Prepares the drain of a server, for programs that have their own shutdown. Call it before the server
 * listens: connections that were opened earlier are unknown to it, except plain HTTP/1.1.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, ERR_SOCKET_PORT_UNKNOWN_OPTION
 */
export function createDrain(server: AnyServer, options: DrainOptions = {}): Drain {
  checkServer(server)
  const resolved = resolveDrain(options)
  claimSuccessor()
  return new ServerDrain(server, resolved)
}

export interface StartOptions {
  quick?: boolean
  /** Finds what takes idle connections for the next process. */
  findTarget?: (() => Promise<TransferTarget | undefined>) | undefined
  /** Clients in this very process are not waited for. */
  sparesOwnClients?: boolean | undefined
  /**
   * Tells the program, when `signal` aborts. Connections that it ends until the promise settles are not ended
   * here. Never rejects.
   */
  tell?: (() => Promise<unknown>) | undefined
  logger?: Logger | undefined
}

export class ServerDrain implements Drain {
  readonly #server: AnyServer
  readonly #options: ResolvedDrain
  readonly #connections: Connections
  #controller: AbortController | undefined
  #state: DrainState = 'ready'
  #result: Promise<DrainResult> | undefined
  #drainRun: DrainRun | undefined
  #forced = false
  #endDelay: (() => void) | undefined

  constructor(server: AnyServer, options: ResolvedDrain) {
    this.#server = server
    this.#options = options
    this.#connections = new Connections(server)
    onceClosed(server, this.#onServerClose)
    if (server.listening) loadLater()
    else server.once('listening', loadLater)
  }

  get state(): DrainState {
    return this.#state
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Called when the last connection has closed. Setting it starts to track connections. */
  set onEmpty(callback: (() => void) | undefined) {
    this.#connections.onEmpty = callback
  }

  /** Whether the next process serves already. */
  get isReplaced(): boolean {
    const { successor } = this.#options
    return successor === undefined ? successorRuns() : successor === 'running'
  }

  /** What the open connections carry, and how many; `undefined` until the drain run has sorted them. */
  get left(): ReadonlyMap<string, number> | undefined {
    return this.#drainRun?.left
  }

  /**
   * Whether only the program can end the connections that are left, because they were upgraded or carry an event
   * stream. If so, no new connection is accepted any more: it would be cut when the program ends. False before the
   * drain run.
   */
  leftToProgram(): boolean {
    return this.#state === 'closed' || (this.#drainRun?.leftToProgram() ?? false)
  }

  // Made when it is first asked for, which takes a start a fraction of a millisecond.
  get #abort(): AbortController {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      // Each endless response may add a listener, so any number of them is fine.
      setMaxListeners(0, this.#controller.signal)
    }
    return this.#controller
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  start(options: { quick?: boolean } = {}): Promise<DrainResult> {
    return this.begin(resolveOptions(options, START_OPTIONS, 'Drain.start'))
  }

  /** As `start`, with what only a service knows. */
  begin(options: StartOptions = {}): Promise<DrainResult> {
    this.#result ??= this.#run(options)
    return this.#result
  }

  force(): void {
    this.#forced = true
    this.#endDelay?.()
    this.#drainRun?.force()
  }

  /** Removes all listeners from the server, which never listened or is closed. */
  dispose(): void {
    this.#state = 'closed'
    this.#connections.stop()
    this.#server.off('close', this.#onServerClose).off('listening', loadLater)
  }

  async #run(options: StartOptions): Promise<DrainResult> {
    const { quick = false, findTarget, sparesOwnClients, tell, logger = defaultLogger } = options
    const { delay } = this.#options
    const started = performance.now()
    this.#state = 'draining'
    this.#connections.follow()
    // A load balancer that saw this process unready would leave out an address that the next process serves.
    const waits = delay > 0 && !quick && !this.isReplaced
    const isEmpty = this.connections === 0 && !waits && findTarget === undefined
    // A server without connections needs none of this code, so one that has just begun to listen is closed at once.
    // Otherwise load the code before the drain is announced, because listeners rely on the drain from then on.
    const loaded = drainRun.now ?? (isEmpty ? undefined : await drainRun.load())
    publish.drainStart({ server: this.#server, connections: this.connections, quick })
    if (waits) await this.#delay(delay)
    const target = findTarget && !quick && !this.#forced ? await findTarget() : undefined
    // Abort only after the delay, during which everything goes on as before.
    const programListens = getEventListeners(this.signal, 'abort').length > 0
    this.#abort.abort()
    const told = tell?.()
    const warn = (message: string): void => logger.warn(message)
    const how = { quick, target, sparesOwnClients, told, programListens, warn }
    const counts = await (loaded === undefined
      ? closeEmpty(this.#server)
      : this.#startRun(loaded, started, how).ended)
    this.dispose()
    const result = { ...counts, duration: performance.now() - started }
    publish.drainEnd({ server: this.#server, result })
    return result
  }

  #startRun(
    { DrainRun }: typeof import('./drain-run.ts'),
    started: number,
    how: Omit<DrainRunOptions, keyof ResolvedDrain>,
  ): DrainRun {
    const { timeout } = this.#options
    const limit = how.quick ? Math.min(timeout, QUICK_TIMEOUT) : timeout
    const run = new DrainRun(this.#connections, {
      ...this.#options,
      ...how,
      successor: this.isReplaced ? 'running' : 'after-exit',
      timeout: limit - (performance.now() - started),
    })
    this.#drainRun = run
    if (this.#forced) run.force()
    return run
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endDelay = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  // The program closed the server itself, so there is nothing left to drain.
  readonly #onServerClose = (): void => {
    if (this.#state === 'ready') this.dispose()
  }
}

/** Closes a server that has no connection. */
const closeEmpty = (server: AnyServer): Promise<Counts> =>
  new Promise((resolve) => {
    const closed = (): void => resolve({ ...NOTHING_DRAINED })
    stopTimeoutChecks(server)
    if (server.listening) NetServer.prototype.close.call(server, closed)
    else closed()
  })
