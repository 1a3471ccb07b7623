import { getEventListeners, setMaxListeners } from 'node:events'
import { publish } from '../base/channels.ts'
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
import { claimSuccessor, successorRuns } from '../process/successor.ts'
import { Connections } from './connections.ts'
import { DrainRun } from './drain-run.ts'
import type { TransferTarget } from './idle/transfer.ts'
import { type ResolvedDrain, resolveDrain, START_OPTIONS } from './options.ts'
import type { OwnPeers } from './own-clients.ts'

/** What the quick form takes at most, in milliseconds: a person waits, or new code. */
export const QUICK_TIMEOUT = 3_000

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
  /** Tells which clients are in this very process: they are not waited for. */
  ownPeers?: OwnPeers | undefined
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
  readonly #abort = new AbortController()
  #state: DrainState = 'ready'
  #result: Promise<DrainResult> | undefined
  #drainRun: DrainRun | undefined
  #forced = false
  #endDelay: (() => void) | undefined

  constructor(server: AnyServer, options: ResolvedDrain) {
    this.#server = server
    this.#options = options
    this.#connections = new Connections(server)
    // Each endless response may add a listener, so any number of them is fine.
    setMaxListeners(0, this.#abort.signal)
    onceClosed(server, this.#onServerClose)
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
    this.#server.off('close', this.#onServerClose)
  }

  async #run(options: StartOptions): Promise<DrainResult> {
    const { quick = false, findTarget, ownPeers, tell, logger = defaultLogger } = options
    const { delay, timeout } = this.#options
    const started = performance.now()
    this.#state = 'draining'
    this.#connections.follow()
    publish.drainStart({ server: this.#server, connections: this.connections, quick })
    if (delay > 0 && !quick) await this.#delay(delay)
    const target = findTarget && !quick && !this.#forced ? await findTarget() : undefined
    // Abort only after the delay, during which everything goes on as before.
    const isHeard = getEventListeners(this.signal, 'abort').length > 0
    this.#abort.abort()
    const told = tell?.()
    this.#drainRun = new DrainRun(this.#connections, {
      ...this.#options,
      successor: this.#options.successor ?? (successorRuns() ? 'running' : 'after-exit'),
      timeout: (quick ? Math.min(timeout, QUICK_TIMEOUT) : timeout) - (performance.now() - started),
      quick,
      target,
      ownPeers,
      told,
      isHeard,
      warn: (message) => logger.warn(message),
    })
    if (this.#forced) this.#drainRun.force()
    const counts = await this.#drainRun.ended
    this.dispose()
    const result = { ...counts, duration: performance.now() - started }
    publish.drainEnd({ server: this.#server, result })
    return result
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
