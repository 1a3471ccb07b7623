import type { LongLivedKind } from '../base/types.ts'

/** What becomes of a connection, as far as a process reports it to its supervisor. */
export type CountedWay = 'received' | 'handedOver' | 'closed' | 'cut'

/** All connections, and of these the ones that do not end by themselves. */
export type CountedKind = 'all' | LongLivedKind

/**
 * Numbers of connections of a process: received from the previous one, and in its drain handed over to the next one,
 * closed in order, and cut. Idle connections and those with a request in flight count in `all` only.
 */
export type ConnectionCounts = Record<CountedWay, Record<CountedKind, number>>

export const LONG_LIVED_KINDS: readonly LongLivedKind[] = ['webSockets', 'eventStreams', 'tunnels']

const fields = (name: string): Record<CountedKind, string> => ({
  all: name,
  webSockets: `${name}_WEB_SOCKETS`,
  eventStreams: `${name}_EVENT_STREAMS`,
  tunnels: `${name}_TUNNELS`,
})

/** The notifications with these numbers. Each has the whole number of the process so far. */
export const COUNT_FIELDS: Readonly<Record<CountedWay, Readonly<Record<CountedKind, string>>>> = {
  received: fields('X_SOCKET_PORT_RECEIVED'),
  handedOver: fields('X_SOCKET_PORT_HANDED_OVER'),
  closed: fields('X_SOCKET_PORT_CLOSED'),
  cut: fields('X_SOCKET_PORT_CUT'),
}

const none = (): Record<CountedKind, number> => ({
  all: 0,
  webSockets: 0,
  eventStreams: 0,
  tunnels: 0,
})

/** Counts of a process that has had no connection. */
export const noConnections = (): ConnectionCounts => ({
  received: none(),
  handedOver: none(),
  closed: none(),
  cut: none(),
})
