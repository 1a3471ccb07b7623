import type { IncomingMessage } from 'node:http'
import type { PassedWebSocket, WebSocketProtocol } from '@socket-port/ws/protocol'
import type { WebSocket } from 'ws'
import { type Carried, type CarriedSocket, headersBefore, withId } from './carried.ts'
import { connectionDifference, type Engine, forget, type Socket } from './internals.ts'
import { offsetOf } from './missed.ts'
import type { Connections, Tracked } from './tracked.ts'

const PROTOCOL = 4

/** How long the hand-over waits for answers to a broadcast, in milliseconds. */
const BROADCAST_PATIENCE = 200

/** The protocol Socket.IO on the WebSocket of one handshake: decides when its connection can go, and what goes with it. */
export class Passing implements WebSocketProtocol {
  readonly #request: IncomingMessage
  readonly #engine: Engine
  readonly #connections: Connections
  /** When it was asked for the first time. */
  #since: number | undefined
  waitsFor: string | undefined

  constructor(request: IncomingMessage, engine: Engine, connections: Connections) {
    this.#request = request
    this.#engine = engine
    this.#connections = connections
  }

  /** Whether something must still come from the client, so that its connection must be read. */
  isExpecting(ws: WebSocket): boolean {
    const { client, asking } = this.#connections.ofWebSocket(ws) ?? {}
    if (client === undefined) return false
    const waiting = socketsOf(client).flatMap(({ acks }) => [...acks.values()])
    if (client.decoder.reconstructor) this.waitsFor = 'a packet with binary data has come in part'
    else if (waiting.some((each) => asking?.has(each)) || this.#expectsAnswers(waiting.length)) {
      this.waitsFor = 'its client has not acknowledged an event'
    } else return false
    return true
  }

  /**
   * socket.io waits for an answer to a broadcast for ever, even after the time-out of the broadcast has reported that it is
   * missing. So the connection goes without the answer after a while.
   */
  #expectsAnswers(waiting: number): boolean {
    this.#since ??= performance.now()
    return waiting > 0 && performance.now() - this.#since < BROADCAST_PATIENCE
  }

  capture(ws: WebSocket): PassedWebSocket | string | undefined {
    const tracked = this.#connections.ofWebSocket(ws)
    const { connection, client, ping } = tracked ?? {}
    if (tracked === undefined || connection === undefined || ping === undefined) {
      this.waitsFor = 'its transport is being upgraded'
      return undefined
    }
    const difference = connectionDifference(connection, client)
    if (difference !== undefined) return `this version of socket.io is not known (${difference})`
    if (connection.protocol !== PROTOCOL) return 'its client is older than Socket.IO 3'
    if (connection.readyState !== 'open') return 'it is closing'
    this.waitsFor = underWay(tracked)
    if (this.waitsFor !== undefined) return undefined
    const attachment: Carried = {
      socketIo: 1,
      id: connection.id,
      ping,
      sockets: socketsOf(client).map(carry),
    }
    return {
      attachment,
      url: withId(this.#request.url ?? '', connection.id),
      headers: headersBefore(connection.request, this.#request),
    }
  }

  handedOver(ws: WebSocket): void {
    const tracked = this.#connections.ofWebSocket(ws)
    if (tracked !== undefined) forget(this.#engine, tracked.connection, tracked.client)
  }
}

const socketsOf = (client: Tracked['client']): Socket[] => [...(client?.sockets.values() ?? [])]

/** What this process must still do before the connection is at rest. */
function underWay({
  connection,
  continued,
  connecting,
  deciding,
  unanswered,
}: Tracked): string | undefined {
  if (connection.upgrading) return 'its transport is being upgraded'
  if (continued?.isConnecting) return 'it has just come from the previous process'
  if (connecting > 0) return 'a middleware of a namespace has not called next'
  if (deciding > 0) return 'a middleware of a socket has not called next'
  if (unanswered > 0) return 'the program has not acknowledged an event'
  const { writeBuffer, transport } = connection
  return writeBuffer.length > 0 || !transport.writable ? 'packets wait to be sent' : undefined
}

const carry = ({ nsp, id, pid, rooms, data, handshake }: Socket): CarriedSocket => ({
  namespace: nsp.name,
  id,
  pid,
  rooms: [...rooms],
  data,
  auth: handshake.auth,
  time: handshake.time,
  issued: handshake.issued,
  nextAck: nsp._ids,
  offset: offsetOf(nsp),
})
