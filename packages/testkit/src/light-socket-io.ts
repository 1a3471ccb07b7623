import { once } from 'node:events'
import { WebSocket } from 'ws'

/** What a server must answer to `count`: the number that was sent, and how many it has had of this client. */
interface Answer {
  n: number
  count: number
  pid: number
  id: string
}

// Packets of Engine.IO 4, and those of Socket.IO 5 in them (socket.io/docs/v4/engine-io-protocol, socket-io-protocol).
const OPEN = '0'
const PING = '2'
const PONG = '3'
const CONNECT = '40'
const EVENT = '42'
const ACK = '43'

/**
 * A client of Socket.IO that speaks the packets itself, so that one process can hold thousands. It takes no disconnect, and
 * no second greeting.
 */
export class LightSocketIo {
  /** What was seen that must not be. */
  readonly faults: string[] = []
  pings = 0
  readonly #ws: WebSocket
  #id: string | undefined
  #asked = 0
  #answered: (answer: Answer) => void = () => {}
  #connected: () => void = () => {}
  #failed: (error: Error) => void = () => {}
  #isOver = false

  private constructor(ws: WebSocket) {
    this.#ws = ws
    ws.on('message', (data) => this.#hear(String(data)))
    ws.on('error', ({ message }) => this.#fault(message))
    ws.on('close', (code) => this.#isOver || this.#fault(`closed ${code}`))
  }

  /** Resolves when it has joined the namespace `/`. */
  static async open(port: number): Promise<LightSocketIo> {
    const url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`
    const client = new LightSocketIo(new WebSocket(url, { perMessageDeflate: false }))
    await new Promise<void>((resolve, reject) => {
      client.#connected = resolve
      client.#failed = reject
    })
    return client
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN
  }

  /** Sends the event `count`, and checks its acknowledgement. Resolves with the process that has answered. */
  async ask(): Promise<number> {
    if (this.faults.length > 0) throw new Error(this.faults.join())
    const n = this.#asked++
    const answered = new Promise<Answer>((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
    })
    this.#ws.send(`${EVENT}${n}${JSON.stringify(['count', n])}`)
    const answer = await answered
    if (answer.n !== n || answer.count !== n + 1 || answer.id !== this.#id) {
      this.#fault(`${n}: ${JSON.stringify(answer)}`)
    }
    return answer.pid
  }

  async close(): Promise<void> {
    this.#isOver = true
    if (this.#ws.readyState === WebSocket.CLOSED) return
    const closed = once(this.#ws, 'close')
    this.#ws.terminate()
    await closed
  }

  #hear(packet: string): void {
    if (packet === PING) {
      this.pings += 1
      this.#ws.send(PONG)
    } else if (packet.startsWith(ACK)) this.#acknowledged(packet.slice(ACK.length))
    else if (this.#id !== undefined) this.#fault(`heard ${packet}`)
    else if (packet.startsWith(OPEN)) this.#ws.send(`${CONNECT}${JSON.stringify({ room: 'a' })}`)
    else if (packet.startsWith(CONNECT)) {
      this.#id = (JSON.parse(packet.slice(CONNECT.length)) as { sid: string }).sid
      this.#connected()
    } else this.#fault(`heard ${packet}`)
  }

  #acknowledged(packet: string): void {
    const [, id, answers = '[]'] = /^(\d+)(.*)$/s.exec(packet) ?? []
    const [answer] = JSON.parse(answers) as [Answer]
    if (id === String(this.#asked - 1)) this.#answered(answer)
    else this.#fault(`acknowledged ${packet}, and ${this.#asked - 1} was asked`)
  }

  #fault(fault: string): void {
    this.faults.push(fault)
    this.#failed(new Error(fault))
  }
}
