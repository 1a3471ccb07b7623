import { CUT, HANDED_OVER, plainText, RECEIVED, RECEIVES } from '@socket-port/core/supervisor'

/** What a process has reported about itself (sd_notify(3)). */
export class Reported {
  /** It has sent a notification. */
  anything = false
  /** The last STATUS= it sent, without control characters. */
  status: string | undefined
  /** It can receive the connections of the previous process. */
  receives = false
  /** Connections that it has received from the previous process. */
  received = 0
  /** Connections that it has handed over to the next process. */
  handedOver = 0
  /** Connections that it has cut in its drain. */
  cut = 0
  /** Pids of its child processes that sent READY=1. Their notifications do not count. */
  readonly foreignPids: number[] = []

  note(fields: ReadonlyMap<string, string>): void {
    this.anything = true
    const status = fields.get('STATUS')
    if (status !== undefined) this.status = plainText(status)
    if (fields.get(RECEIVES) === '1') this.receives = true
    this.received = count(fields.get(RECEIVED)) ?? this.received
    this.cut = count(fields.get(CUT)) ?? this.cut
    this.handedOver = count(fields.get(HANDED_OVER)) ?? this.handedOver
  }

  noteForeignPid(pid: number): void {
    if (!this.foreignPids.includes(pid)) this.foreignPids.push(pid)
  }
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
