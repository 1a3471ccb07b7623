import {
  CUT,
  HANDED_OVER,
  HANDED_OVER_KINDS,
  plainText,
  RECEIVED,
  RECEIVES,
} from '@socket-port/core/supervisor'

/** Numbers of connections. */
export interface ConnectionCounts {
  /** Received from the previous process. */
  received: number
  /** Handed over to the next process, of any kind. */
  handedOver: number
  /** Of these: those that the next process continues in the middle of their exchange. */
  webSockets: number
  eventStreams: number
  tunnels: number
  /** Cut in a drain. */
  cut: number
}

const FIELDS: Readonly<Record<keyof ConnectionCounts, string>> = {
  received: RECEIVED,
  handedOver: HANDED_OVER,
  ...HANDED_OVER_KINDS,
  cut: CUT,
}

const KEYS = Object.keys(FIELDS) as (keyof ConnectionCounts)[]

/** Adds counts up. */
export function sumOf(all: Iterable<ConnectionCounts>): ConnectionCounts {
  const sum = { received: 0, handedOver: 0, webSockets: 0, eventStreams: 0, tunnels: 0, cut: 0 }
  for (const counts of all) for (const key of KEYS) sum[key] += counts[key]
  return sum
}

/** What a process has reported about itself (sd_notify(3)). */
export class Reported {
  /** It has sent a notification. */
  anything = false
  /** The last STATUS= it sent, without control characters. */
  status: string | undefined
  /** It can receive the connections of the previous process. */
  receives = false
  /** Pids of its child processes that sent READY=1. Their notifications do not count. */
  readonly foreignPids: number[] = []
  /** Pids of processes below it that were given a socket, and ended before it was ready. */
  readonly endedServers: number[] = []
  /** The counts of each process that has served. */
  readonly #counts = new Map<number, ConnectionCounts>()

  get connections(): ConnectionCounts {
    return sumOf(this.#counts.values())
  }

  note(fields: ReadonlyMap<string, string>, pid = 0): void {
    this.anything = true
    const status = fields.get('STATUS')
    if (status !== undefined) this.status = plainText(status)
    if (fields.get(RECEIVES) === '1') this.receives = true
    for (const key of KEYS) {
      const reported = count(fields.get(FIELDS[key]))
      if (reported === undefined) continue
      const counts = this.#counts.get(pid) ?? sumOf([])
      this.#counts.set(pid, counts)
      counts[key] = reported
    }
  }

  noteForeignPid(pid: number): void {
    if (!this.foreignPids.includes(pid)) this.foreignPids.push(pid)
  }
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
