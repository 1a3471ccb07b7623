import { CUT, HANDED_OVER, plainText, RECEIVED, RECEIVES } from '@socket-port/core/supervisor'

interface Counts {
  received: number
  handedOver: number
  cut: number
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
  readonly #counts = new Map<number, Counts>()

  /** Connections that were received from the previous process. */
  get received(): number {
    return this.#sum('received')
  }

  /** Connections that were handed over to the next process. */
  get handedOver(): number {
    return this.#sum('handedOver')
  }

  /** Connections that were cut in a drain. */
  get cut(): number {
    return this.#sum('cut')
  }

  note(fields: ReadonlyMap<string, string>, pid = 0): void {
    this.anything = true
    const status = fields.get('STATUS')
    if (status !== undefined) this.status = plainText(status)
    if (fields.get(RECEIVES) === '1') this.receives = true
    if (![RECEIVED, CUT, HANDED_OVER].some((name) => fields.has(name))) return
    const before = this.#counts.get(pid) ?? { received: 0, handedOver: 0, cut: 0 }
    this.#counts.set(pid, {
      received: count(fields.get(RECEIVED)) ?? before.received,
      handedOver: count(fields.get(HANDED_OVER)) ?? before.handedOver,
      cut: count(fields.get(CUT)) ?? before.cut,
    })
  }

  #sum(key: keyof Counts): number {
    return [...this.#counts.values()].reduce((sum, counts) => sum + counts[key], 0)
  }

  noteForeignPid(pid: number): void {
    if (!this.foreignPids.includes(pid)) this.foreignPids.push(pid)
  }
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
