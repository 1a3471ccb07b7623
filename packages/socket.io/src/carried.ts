import type { IncomingMessage } from 'node:http'
import { attachmentOf } from '@socket-port/core/adapter'

/** The state of a client in one namespace. */
export interface CarriedSocket {
  readonly namespace: string
  readonly id: string
  /** The private id of connection state recovery. */
  readonly pid: string | undefined
  readonly rooms: readonly string[]
  readonly data: unknown
  readonly auth: Record<string, unknown>
  /** When it connected: `handshake.time` and `handshake.issued`. */
  readonly time: string
  readonly issued: number
  /** The lowest id that no acknowledgement of this process had: a late answer must not be taken for one to a new event. */
  readonly nextAck: number
  /** The offset of the last broadcast that the client got, if the adapter knows it. */
  readonly offset?: string | undefined
}

/** How long a client waits for a ping, in milliseconds, as the server told it when it connected. */
export interface PingTimes {
  readonly interval: number
  readonly timeout: number
}

/** The attachment of a connection of Socket.IO, which goes to the next process with it. */
export interface Carried {
  /** The version of this format. */
  readonly socketIo: 1
  /** The id of engine.io. */
  readonly id: string
  readonly ping: PingTimes
  readonly sockets: readonly CarriedSocket[]
}

/** What the previous process attached to the request; `undefined` for a new client, and for another version of the format. */
export function carriedBy(request: IncomingMessage): Carried | undefined {
  const value = attachmentOf<Partial<Carried>>(request)
  return value?.socketIo === 1 ? (value as Carried) : undefined
}

/**
 * Adds the id of engine.io to the URL. A program that does not expect the connection then refuses it, since it knows no such
 * id. Without the id, it would greet a client in the middle of its exchange as a new one. Pure.
 */
export const withId = (url: string, id: string): string =>
  `${withoutId(url)}&sid=${encodeURIComponent(id)}`

/** The URL as a new client sends it: without the id. Pure. */
export function withoutId(url: string): string {
  const [path = '', query = ''] = url.split('?', 2)
  return `${path}?${query
    .split('&')
    .filter((part) => !part.startsWith('sid='))
    .join('&')}`
}

// Headers about the body and the connection of one request.
const OF_ONE_REQUEST = /^(content-|transfer-encoding$|te$|trailer$|expect$|connection$|keep-alive$)/

/**
 * The headers of the request `opened`, which opened a connection, that the request of its upgrade lacks: browsers send
 * `extraHeaders` only while they poll. The next program sees one request, so that one must have all of them. Pure.
 */
export function headersBefore(
  opened: IncomingMessage,
  upgrade: IncomingMessage,
): Record<string, string> {
  const missing: Record<string, string> = {}
  for (const [name, value] of Object.entries(opened.headers)) {
    const isMissing = upgrade.headers[name] === undefined && !OF_ONE_REQUEST.test(name)
    if (isMissing && value !== undefined) missing[name] = String(value)
  }
  return missing
}
