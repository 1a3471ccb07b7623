import type { Socket } from 'node:net'
import type { LongLivedKind } from '../../base/types.ts'
import type { Carrier } from './carrier.ts'

/**
 * What a connection is doing. `idle`: no request is in work. `receiving`: a part of a request was read, header
 * or body, and no response is being sent. `answering`: a response is being sent. `unknown`: only the program
 * knows.
 */
export type ConnectionState = 'idle' | 'receiving' | 'answering' | 'unknown'

/** What a connection carries, as a person is told what a drain waits for. */
export type Carries =
  | 'request'
  | 'WebSocket'
  | 'event stream'
  | 'endless response'
  | 'HTTP/2 session'
  | 'tunnel'
  | 'upgraded connection'
  | 'connection'

/**
 * One protocol that connections of a server speak. The drain makes one object of each protocol when
 * it begins, so a server that does not drain pays nothing.
 *
 * A server can have connections of several protocols: an HTTP/2 server with `allowHTTP1` has HTTP/1.1
 * connections beside its HTTP/2 sessions, and an upgrade changes the protocol of an open connection. So the
 * drain asks for the protocol of each connection (`ServerProtocols`), and knows none itself.
 */
export interface Protocol {
  /**
   * Whether new connections of the server may be accepted while it drains: they can be asked to leave, and
   * the protocol reports when they are idle.
   */
  readonly acceptsNew: boolean
  /** Whether the connection speaks this protocol now. */
  speaks(socket: Socket): boolean
  stateOf(socket: Socket): ConnectionState
  /** What the connection carries while it is not idle. */
  carries(socket: Socket): Carries
  /** What the streams of the connection carry that do not end by themselves, one entry for each stream. */
  streams?(socket: Socket): readonly Carries[]
  /**
   * Asks the connection to leave in the way of its protocol: in HTTP/1.1, the next response says that it is
   * the last. Called for each connection when the drain begins, for each new one, and again when a
   * connection has changed its protocol. From then on the protocol reports to its `DrainContext`.
   */
  askToLeave(socket: Socket): void
  /** Whether the connection, once it is idle, may go to the next process: this one holds nothing that it needs. */
  mayTransfer(socket: Socket): boolean
  /** Whether the connection never ends by itself, even when it was asked to leave: only the program can end it. */
  isEndless(socket: Socket): boolean
  /** Called when the drain is over. */
  stop?(): void
}

/** What the drain offers to a protocol, and is told by it. */
export interface DrainContext {
  /** A person or a watcher waits: connections that would not end by themselves are closed at once. */
  readonly quick: boolean
  /** The code for the close frame of a WebSocket; false: the program closes its WebSockets. */
  readonly webSocketCode: number | false
  /** Milliseconds for which a client that was asked to leave may take to do so. */
  readonly closeGrace: number
  /** A response that takes longer, in milliseconds, is ended like an event stream. `undefined`: none is. */
  readonly streamTimeout: number | undefined
  /** The program listens to the signal of the drain: it ends event streams itself. */
  readonly leavesStreams: boolean
  /** The longest time in milliseconds that an idle connection is kept. */
  readonly idleTimeout: number
  /** The time in milliseconds from the start of the drain to its deadline. */
  readonly timeout: number
  /** Whether the connection goes on after its response, because the next process takes it. */
  staysOpen(socket: Socket): boolean
  /** The connection is idle now, and its client was promised that it stays open for so many milliseconds. */
  idle(socket: Socket, promise: number): void
  /** The connection is no longer idle. */
  busy(socket: Socket): void
  /** A response has been sent in full. */
  answered(): void
  /** Destroys the connection, or the stream, and counts it as expired. */
  expire(carrier: Carrier): void
  /**
   * The carrier has something that does not end by itself. `end` asks its client to leave, and is called when it is
   * due: the ends are spread over a time. Without `end` the program or the deadline ends it, or a second call gives
   * the `end`. `kind` is how it is counted.
   */
  longLived(carrier: Carrier, kind: LongLivedKind | undefined, end?: () => void): void
  /** The client was asked to leave. The carrier is destroyed if it has not ended after a grace. */
  asked(carrier: Carrier): void
  /** What did not end by itself has ended, and the connection goes on. */
  ended(carrier: Carrier): void
  warn(message: string): void
}
