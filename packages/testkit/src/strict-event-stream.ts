import { RawConnection } from './raw-connection.ts'

/** One event, as the fixture `event-streams.mjs` sends it. */
interface SentEvent {
  n: number
  pid: number
}

/** A client of one event stream that checks every byte, and never connects again. */
export class StrictEventStream {
  readonly #connection: RawConnection
  /** What was seen that must not be: an event that was lost or sent twice, bytes that are no chunk, a close. */
  readonly faults: string[] = []
  /** The processes that have sent events, the newest last. */
  readonly pids: number[] = []
  events = 0
  readonly #heard = new Map<number, () => void>()
  #next: number | undefined
  #isOver = false
  /** The start of an event that is not complete. */
  #event = ''

  private constructor(connection: RawConnection) {
    this.#connection = connection
  }

  /** Resolves when the first event has come. */
  static async open(port: number, path: string, host?: string): Promise<StrictEventStream> {
    const connection = await RawConnection.open(port, host)
    const stream = new StrictEventStream(connection)
    connection.send(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`)
    const head = await connection.receive(/\r\n\r\n/)
    if (!/^HTTP\/1\.1 200 /.test(head)) throw new Error(`no event stream: ${head}`)
    void stream.#read(head.slice(head.indexOf('\r\n\r\n') + 4))
    await stream.heard(1)
    return stream
  }

  /** Resolves when so many processes have sent events. */
  async heard(processes: number): Promise<void> {
    if (this.pids.length >= processes) return
    const heard = new Promise<true>((resolve) => this.#heard.set(processes, () => resolve(true)))
    if (!(await Promise.race([heard, this.#connection.closed]))) {
      throw new Error(`closed after ${this.events} events of ${this.pids}: ${this.faults}`)
    }
  }

  close(): void {
    this.#isOver = true
    this.#connection.close()
  }

  async #read(begin: string): Promise<void> {
    let text = begin
    try {
      for (;;) {
        text = this.#takeChunks(text)
        text += await this.#connection.receive(/./s)
      }
    } catch (error) {
      if (!this.#isOver) this.faults.push((error as Error).message)
      this.close()
    }
  }

  /** Returns the start of a chunk that is not complete. */
  #takeChunks(text: string): string {
    let rest = text
    for (;;) {
      const [head = '', size = ''] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? []
      if (head === '' && !/^[0-9a-f]{0,8}\r?$/i.test(rest)) throw new Error(`no chunk: ${rest}`)
      const end = head.length + Number.parseInt(size, 16)
      if (head === '' || rest.length < end + 2) return rest
      if (rest.slice(end, end + 2) !== '\r\n') throw new Error(`no end of a chunk: ${rest}`)
      if (Number.parseInt(size, 16) === 0) throw new Error('the last chunk has come')
      this.#takeEvents(rest.slice(head.length, end))
      rest = rest.slice(end + 2)
    }
  }

  /** A proxy may cut the stream into other chunks. */
  #takeEvents(chunk: string): void {
    const events = (this.#event + chunk).split('\n\n')
    this.#event = events.pop() ?? ''
    for (const [, data = ''] of events.join('\n').matchAll(/^data: (.*)$/gm)) {
      const { n, pid } = JSON.parse(data) as SentEvent
      if (this.#next !== undefined && n !== this.#next) {
        this.faults.push(`event ${n} after ${this.#next - 1}`)
      }
      this.#next = n + 1
      this.events += 1
      if (this.pids.at(-1) === pid) continue
      this.pids.push(pid)
      this.#heard.get(this.pids.length)?.()
    }
  }
}
