import { counted } from '../base/counted.ts'

/** What the connections of a draining server carry: a noun, and how many. `undefined` until the drain has sorted them. */
export type Left = ReadonlyMap<string, number> | undefined

/** A server that drains. */
export interface Draining {
  readonly connections: number
  readonly left: Left
}

/** The noun for a connection that waits for its next request. */
export const IDLE_CONNECTION = 'idle connection'

/** The line about a drain: `draining: 3 requests, 10 WebSockets; 21 s left`. `until`: milliseconds to its deadline. */
export function drainStatus(servers: readonly Draining[], until: number): string {
  if (servers.length === 0) return 'stopping'
  const open = servers.reduce((sum, { connections }) => sum + connections, 0)
  if (open === 0) return 'draining: 0 connections left'
  const sorted = servers.every(({ left }) => left !== undefined)
  const what = sorted ? listOf(sumOf(servers)) : counted(open, 'connection')
  return `draining: ${what}; ${Math.max(0, Math.round(until / 1_000))} s left`
}

/** What is not idle: `1 request, 2 WebSockets`, and how many that are. */
export function inFlight(servers: readonly Pick<Draining, 'left'>[]): {
  what: string
  count: number
} {
  const sum = sumOf(servers)
  sum.delete(IDLE_CONNECTION)
  const count = [...sum.values()].reduce((total, each) => total + each, 0)
  return { what: listOf(sum), count }
}

/** For a message: what an end at once does to the open connections; empty if there are none. */
export const connectionsCut = (open: number): string =>
  open === 0 ? '' : `${counted(open, 'connection')} ${open === 1 ? 'is' : 'are'} cut`

function sumOf(servers: readonly Pick<Draining, 'left'>[]): Map<string, number> {
  const sum = new Map<string, number>()
  for (const { left } of servers) {
    for (const [one, count] of left ?? []) sum.set(one, (sum.get(one) ?? 0) + count)
  }
  return sum
}

// Requests first, because they are what a restart must not lose, and idle connections last.
const ORDER = ['request', 'WebSocket', 'event stream', 'endless response', 'HTTP/2 session']

function listOf(sum: ReadonlyMap<string, number>): string {
  const known = ORDER.filter((one) => sum.has(one))
  const others = [...sum.keys()]
    .filter((one) => !known.includes(one) && one !== IDLE_CONNECTION)
    .sort()
  return [...known, ...others, IDLE_CONNECTION]
    .flatMap((one) => (sum.has(one) ? counted(sum.get(one) ?? 0, one) : []))
    .join(', ')
}
