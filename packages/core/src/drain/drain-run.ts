import { Server as NetServer, type Socket } from 'node:net'
import type { AnyServer, DrainResult } from '../base/types.ts'
import { hasParser, receivingConnections, unreadRequest } from '../node/http-parser.ts'
import { stopTimeoutChecks, timeoutCheck } from '../node/request-timeouts.ts'
import { isHttp1Server, isTlsServer } from '../node/server-kind.ts'
import type { Connections } from './connections.ts'
import { InFlight } from './idle/blocking.ts'
import {
  afterPoll,
  closeAtOnce,
  expireAtPromise,
  type IdleContext,
  type IdleStrategy,
} from './idle/strategy.ts'
import { type TransferTarget, transfer } from './idle/transfer.ts'
import type { ResolvedDrain } from './options.ts'
import { isAnswering, LastResponses } from './protocols/http1.ts'
import type { Http2Sessions } from './protocols/http2.ts'
import { acceptsHttp1, protocolOf } from './protocols/protocol.ts'
import { isEventStream } from './quick.ts'

// A request follows its connection within a round trip. A new connection that has been silent for longer may
// stay so. It must not be among the last to be accepted, because the next process would wait for it.
const FRESH = 100

// Node looks for slow requests every `connectionsCheckingInterval`, 30 seconds by default: later than
// a drain ends. Without a closer look its time-outs would not bound the drain.
const CHECK_TIMEOUTS = 500

type Counts = Omit<DrainResult, 'duration'>

export interface DrainRunOptions extends ResolvedDrain {
  quick: boolean
  /** What takes idle connections for the next process. */
  target?: TransferTarget | undefined
  /** Returns the connections whose client is in this very process, which needs no promise. */
  ownPeers?: OwnPeers | undefined
}

export type OwnPeers = (connections: readonly Socket[]) => ReadonlySet<Socket>

interface Waiting {
  since: number
  bytesRead: number
}

/** One drain of one server, from the moment that its connections must end until the last one has ended. */
export class DrainRun {
  readonly ended: Promise<Counts>
  #end: (counts: Counts) => void = () => {}
  readonly #server: AnyServer
  readonly #connections: Connections
  readonly #options: DrainRunOptions
  readonly #idle: IdleStrategy
  readonly #responses: LastResponses
  readonly #timers: NodeJS.Timeout[]
  /** The connections from before the drain. While there are any, new connections are accepted. */
  readonly #before: Set<Socket>
  readonly #inFlight = new InFlight()
  /** The idle connections, the longest idle first. */
  readonly #waiting = new Map<Socket, Waiting>()
  /** Known to come from another process. */
  readonly #foreign = new WeakSet<Socket>()
  #lookingForOwn = false
  #accepting = true
  #closed = false
  #cut = false
  #finished = false
  #served = 0
  #expired = 0
  #handedOver = 0
  #forced = 0

  constructor(
    server: AnyServer,
    connections: Connections,
    sessions: Http2Sessions,
    options: DrainRunOptions,
  ) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#server = server
    this.#connections = connections
    this.#options = options
    this.#before = new Set(connections)
    this.#idle = this.#idleStrategy({
      isIdle: (socket) => this.#isIdle(socket),
      receiving: () => receivingConnections(this.#server),
      promiseOf: (socket) => this.#promiseOf(socket),
      expire: (socket) => this.#expire(socket),
      transferred: (socket) => this.#leave(socket),
      givenUp: this.#inFlight.givenUp,
    })
    this.#responses = new LastResponses(server, {
      isLast: (socket) => !this.#idle.staysOpen(socket),
      requested: (socket) => this.#busy(socket),
      answered: () => {
        this.#served += 1
      },
      // The connection is still open if its response had promised that before the drain began.
      fellIdle: (socket) => this.#fellIdle(socket),
    })
    connections.listener = {
      opened: (socket) => this.#opened(socket),
      secured: (raw, socket) => this.#secured(raw, socket),
      upgraded: (socket) => this.#leftHttp(socket),
      closed: (socket) => this.#gone(socket),
    }
    const { timeout, idleTimeout } = options
    // The connection that is accepted last must have its whole idle time before the deadline.
    const acceptUntil = Math.max(timeout / 2, timeout - idleTimeout)
    this.#timers = [
      setTimeout(() => this.#giveUpWaiting(), acceptUntil),
      setTimeout(() => this.force(), Math.max(0, timeout)),
    ]
    const check = timeoutCheck(server)
    if (check) this.#timers.push(setInterval(() => afterPoll(check), CHECK_TIMEOUTS))
    this.#begin(sessions)
  }

  /** Connections that wait for one more request or for the end of their promise. */
  get idle(): number {
    return this.#waiting.size
  }

  /** Destroys and counts what is left. */
  force(): void {
    if (this.#cut) return
    this.#cut = true
    this.#forced = this.#connections.size
    this.#giveUpWaiting()
    for (const socket of this.#connections) socket.destroy()
    // This closes connections that were open before the drain was prepared.
    if ('closeAllConnections' in this.#server) this.#server.closeAllConnections()
    this.#closed = true
    this.#check()
    // By then every connection has emitted 'close', unless its program has removed our listener.
    setImmediate(() => this.#finish())
  }

  #idleStrategy(context: IdleContext): IdleStrategy {
    const { quick, target } = this.#options
    if (quick) return closeAtOnce(context)
    const promise = expireAtPromise(context)
    return target && this.#handsOver() ? transfer(context, target, promise) : promise
  }

  #handsOver(): boolean {
    const room = this.#options.target?.room ?? 0
    return room > 0 && isHttp1Server(this.#server) && !isTlsServer(this.#server)
  }

  #begin(sessions: Http2Sessions): void {
    const { quick, successor, target } = this.#options
    const half = receivingConnections(this.#server)
    const allStay = !this.#handsOver()
    for (const socket of this.#connections) {
      if (allStay || this.#isOpaque(socket) || isAnswering(socket) || half.has(socket)) {
        this.#inFlight.add(socket)
      }
      if (quick && isEventStream(socket)) this.#expire(socket)
      else if (isAnswering(socket)) this.#responses.track(socket)
      else if (this.#isOpaque(socket)) quick && this.#endOpaque(socket)
      else if (!half.has(socket)) this.#wait(socket)
      else unreadRequest(socket)?.once('close', () => isAnswering(socket) || this.#fellIdle(socket))
    }
    if (target !== undefined && successor !== 'running') this.#inFlight.hold(target.barrier)
    sessions.drain(this.#options.idleTimeout)
    // New connections that cannot be asked to leave are for the next process.
    if (quick || successor === 'running' || !acceptsHttp1(this.#server)) this.#stopAccepting()
    this.#check()
  }

  #opened(socket: Socket): void {
    if (!this.#isOpaque(socket)) this.#wait(socket)
  }

  #secured(raw: Socket, socket: Socket): void {
    if (this.#before.delete(raw)) this.#before.add(socket)
    this.#inFlight.secured(raw, socket)
    this.#busy(raw)
    this.#opened(socket)
  }

  /**
   * Upgraded, of which no request is told. One from before the drain is waited for. New connections
   * are not: as long as one of them came after the other, nothing would ever be handed over.
   */
  #leftHttp(socket: Socket): void {
    this.#busy(socket)
    if (this.#options.quick) this.#endOpaque(socket)
    else if (this.#before.has(socket)) this.#inFlight.stays(socket)
  }

  #fellIdle(socket: Socket): void {
    // Upgraded: that may come in the same segment as the end of a request, and is heard of first.
    if (!socket.destroyed && !hasParser(socket)) return
    this.#inFlight.settle(socket)
    if (!socket.destroyed) this.#wait(socket)
  }

  #gone(socket: Socket): void {
    this.#before.delete(socket)
    this.#inFlight.settle(socket)
    this.#busy(socket)
    this.#check()
  }

  #wait(socket: Socket): void {
    this.#waiting.delete(socket)
    this.#waiting.set(socket, { since: performance.now(), bytesRead: socket.bytesRead })
    this.#idle.idle(socket)
    this.#lookForOwn()
  }

  #busy(socket: Socket): void {
    if (!this.#waiting.delete(socket)) return
    this.#idle.busy(socket)
    this.#check()
  }

  #isIdle(socket: Socket): boolean {
    const waiting = this.#waiting.get(socket)
    if (waiting === undefined || socket.destroyed) return false
    return socket.bytesRead === waiting.bytesRead || !receivingConnections(this.#server).has(socket)
  }

  #promiseOf({ bytesRead }: Socket): number {
    const { idleTimeout } = this.#options
    const { keepAliveTimeout } = this.#server as { keepAliveTimeout?: number }
    // A connection without a request was promised nothing, and a keepAliveTimeout of 0 has no end.
    if (bytesRead === 0 || !keepAliveTimeout) return idleTimeout
    return Math.min(keepAliveTimeout, idleTimeout)
  }

  #expire(socket: Socket): void {
    this.#expired += 1
    socket.destroy()
  }

  #leave(socket: Socket): void {
    this.#handedOver += 1
    socket.destroy()
  }

  /** True where nothing tells when the connection is idle: it ends by itself, or at the deadline. */
  #isOpaque(socket: Socket): boolean {
    const protocol = protocolOf(this.#server, socket)
    return protocol === 'http2' || protocol === 'other'
  }

  #endOpaque(socket: Socket): void {
    // An HTTP/2 session ends by itself after GOAWAY.
    if (protocolOf(this.#server, socket) !== 'http2') this.#expire(socket)
  }

  #giveUpWaiting(): void {
    this.#inFlight.giveUp()
    this.#stopAccepting()
  }

  #stopAccepting(): void {
    if (!this.#accepting) return
    this.#accepting = false
    const closed = (): void => {
      this.#closed = true
      this.#check()
    }
    // Close only the listening socket. http.Server.close() would destroy idle connections.
    if (this.#server.listening) NetServer.prototype.close.call(this.#server, closed)
    else closed()
  }

  #check(): void {
    if (this.#accepting && this.#before.size === 0 && this.#onlyFreshWait()) this.#stopAccepting()
    if (this.#closed && this.#connections.size === 0) this.#finish()
    this.#lookForOwn()
  }

  /** Closes idle connections that come from this very process, once there are no others. */
  #lookForOwn(): void {
    const { ownPeers } = this.#options
    if (ownPeers === undefined || this.#lookingForOwn || !this.#onlyOwnMayBeLeft()) return
    this.#lookingForOwn = true
    // The second time the loop has surely polled: a request that was sent before the drain is read.
    afterPoll(() =>
      afterPoll(() => {
        this.#lookingForOwn = false
        if (this.#finished || !this.#onlyOwnMayBeLeft()) return
        const sockets = [...this.#waiting.keys()]
        const own = ownPeers(sockets)
        for (const socket of sockets) if (!own.has(socket)) this.#foreign.add(socket)
        if (own.size < sockets.length) return
        for (const socket of sockets) if (this.#isIdle(socket)) this.#expire(socket)
      }),
    )
  }

  // A connection without a request yet is about to send one.
  #onlyOwnMayBeLeft(): boolean {
    const { size } = this.#waiting
    if (size === 0 || size !== this.#connections.size) return false
    return [...this.#waiting.keys()].every(
      (socket) => socket.bytesRead > 0 && !this.#foreign.has(socket),
    )
  }

  #onlyFreshWait(): boolean {
    const [longest] = this.#waiting.values()
    return longest === undefined || performance.now() - longest.since < FRESH
  }

  #finish(): void {
    if (this.#finished) return
    this.#finished = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#idle.stop()
    this.#responses.stop()
    stopTimeoutChecks(this.#server)
    this.#end({
      graceful: this.#forced === 0,
      served: this.#served,
      handedOver: this.#handedOver,
      expired: this.#expired,
      forced: this.#forced,
    })
  }
}
