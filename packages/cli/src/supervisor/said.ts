import { ADOPTED, ADOPTS, CUT, HANDED_OVER, plainText } from '@socket-port/core/manager'

/** What a process has reported about itself (sd_notify(3)). */
export class Said {
  /** It has sent any notification. */
  anything = false
  /** The last STATUS= it sent, without control characters. */
  status: string | undefined
  /** It receives the connections of the process before it. */
  adopts = false
  /** Connections that it has received from the process before it. */
  adopted = 0
  /** Connections that it has handed over to the process after it. */
  handedOver = 0
  /** Connections that it has cut in its drain. */
  cut = 0
  /** Pids of its child processes that sent READY=1. Their message does not count. */
  readonly strangers: number[] = []

  note(fields: ReadonlyMap<string, string>): void {
    this.anything = true
    const status = fields.get('STATUS')
    if (status !== undefined) this.status = plainText(status)
    if (fields.get(ADOPTS) === '1') this.adopts = true
    this.adopted = count(fields.get(ADOPTED)) ?? this.adopted
    this.cut = count(fields.get(CUT)) ?? this.cut
    this.handedOver = count(fields.get(HANDED_OVER)) ?? this.handedOver
  }

  noteStranger(pid: number): void {
    if (!this.strangers.includes(pid)) this.strangers.push(pid)
  }
}

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
