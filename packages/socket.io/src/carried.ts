import type { IncomingMessage } from 'node:http'
import { attachmentOf } from '@socket-port/core/adapter'

/** What a client has in one namespace. */
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
  /** The lowest id that no acknowledgement of this process has had. A late answer must not meet a new question. */
  readonly nextAck: number
  /** Up to where it has had what servers broadcast, where the adapter can tell. */
  readonly offset?: string | undefined
}

/** How long a client waits for a ping, in milliseconds, as it was told when it connected. */
export interface PingTimes {
  readonly interval: number
  readonly timeout: number
}

/** What goes to the next process with a connection of Socket.IO: the attachment of its request. */
export interface Carried {
  /** The version of this form. */
  readonly socketIo: 1
  /** The id of engine.io. */
  readonly id: string
  readonly ping: PingTimes
  readonly sockets: readonly CarriedSocket[]
}

/** What the previous process has sent with the request; `undefined` for a new client, and for another version. */
export function carriedBy(request: IncomingMessage): Carried | undefined {
  const value = attachmentOf<Partial<Carried>>(request)
  return value?.socketIo === 1 ? (value as Carried) : undefined
}

/**
 * The URL with the id of engine.io. A program that does not expect the connection then refuses it, since it knows no such
 * id: it would greet a client in the middle of its exchange as a new one. Pure.
 */
export const withId = (url: string, id: string): string =>
  `${withoutId(url)}&sid=${encodeURIComponent(id)}`

/** The URL of a client that connects anew. Pure. */
export function withoutId(url: string): string {
  const [path = '', query = ''] = url.split('?', 2)
  return `${path}?${query
    .split('&')
    .filter((part) => !part.startsWith('sid='))
    .join('&')}`
}

// They belong to the body and to the connection of the one request.
const OF_ONE_REQUEST = /^(content-|transfer-encoding$|te$|trailer$|expect$|connection$|keep-alive$)/

/**
 * The headers of the request that has opened a connection that the request of its upgrade lacks: browsers send
 * `extraHeaders` only while they poll. The next program sees one request, and must find all in it. Pure.
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
