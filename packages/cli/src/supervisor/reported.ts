import {
  COUNT_FIELDS,
  type ConnectionCounts,
  type CountedKind,
  type CountedWay,
  noConnections,
  plainText,
  RECEIVES,
} from '@socket-port/core/supervisor'

// Each count, and the field of a notification that holds it.
const COUNTS = (Object.keys(COUNT_FIELDS) as CountedWay[]).flatMap((way) =>
  (Object.entries(COUNT_FIELDS[way]) as [CountedKind, string][]).map(
    ([kind, field]) => [way, kind, field] as const,
  ),
)

/** Adds counts up. */
export function sumOf(all: Iterable<ConnectionCounts>): ConnectionCounts {
  const sum = noConnections()
  for (const counts of all) for (const [way, kind] of COUNTS) sum[way][kind] += counts[way][kind]
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
  /** Pids of processes below it that were given a socket, and ended before the worker was ready. */
  readonly endedServers: number[] = []
  /** The counts of each process that has served, by its pid. */
  readonly #counts = new Map<number, ConnectionCounts>()

  get connections(): ConnectionCounts {
    return sumOf(this.#counts.values())
  }

  note(fields: ReadonlyMap<string, string>, pid = 0): void {
    this.anything = true
    const status = fields.get('STATUS')
    if (status !== undefined) this.status = plainText(status)
    if (fields.get(RECEIVES) === '1') this.receives = true
    for (const [way, kind, field] of COUNTS) {
      const reported = count(fields.get(field))
      if (reported === undefined) continue
      const counts = this.#counts.get(pid) ?? noConnections()
      this.#counts.set(pid, counts)
      counts[way][kind] = reported
    }
  }

  noteForeignPid(pid: number): void {
    if (!this.foreignPids.includes(pid)) this.foreignPids.push(pid)
  }
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
