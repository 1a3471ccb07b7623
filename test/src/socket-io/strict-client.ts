import { io, type Socket } from 'socket.io-client'

/** What the fixture `socket-io.mjs` answers. */
interface Answer {
  n: number
  count: number
  pid: number
  id: string
  rooms: number
}

export interface StrictOptions {
  /** In which transport it begins. One that polls first is upgraded before it counts as open. */
  begins: 'polling' | 'websocket'
  room: 'a' | 'b'
  /** It joins this one too, on the same connection. */
  namespace?: '/admin'
  /** The host that it connects to. @default '127.0.0.1' */
  host?: string
}

/** Milliseconds between an answer and the next message. */
const PACE = 5

/**
 * A client of Socket.IO that numbers its messages and checks each answer. It takes no disconnect: it never connects again.
 */
export class StrictSocketIo {
  /** What was seen that must not be. */
  readonly faults: string[] = []
  /** The processes that have answered, the newest last. */
  readonly pids: number[] = []
  answers = 0
  readonly #sockets: readonly Socket[]
  readonly #waiting = new Map<number, () => void>()
  #isOver = false

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
  }

  /** Resolves when a process has answered. */
  static async open(port: number, options: StrictOptions): Promise<StrictSocketIo> {
    const { begins, room, namespace, host = '127.0.0.1' } = options
    const socket = io(`http://${host}:${port}`, {
      transports: begins === 'polling' ? ['polling', 'websocket'] : ['websocket'],
      auth: { room },
      forceNew: true,
      reconnection: false,
    })
    const sockets = [
      socket,
      ...(namespace ? [socket.io.socket(namespace, { auth: { room } })] : []),
    ]
    const client = new StrictSocketIo(sockets)
    await Promise.all(
      sockets.map((each) => new Promise<void>((resolve) => each.once('connect', resolve))),
    )
    const { engine } = socket.io
    if (engine.transport.name !== 'websocket') {
      await new Promise((resolve) => engine.once('upgrade', resolve))
    }
    for (const each of sockets) client.#begin(each, room)
    await client.heard(1)
    return client
  }

  /** Resolves when so many processes have answered. */
  async heard(processes: number): Promise<void> {
    if (this.faults.length > 0) throw new Error(this.faults.join())
    if (this.pids.length >= processes) return
    await new Promise<void>((resolve) => this.#waiting.set(processes, resolve))
    if (this.faults.length > 0) throw new Error(this.faults.join())
  }

  /** Sends an event; resolves with its acknowledgement. */
  ask(event: string): Promise<unknown> {
    return (this.#sockets[0] as Socket).emitWithAck(event)
  }

  close(): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.close()
  }

  #begin(socket: Socket, room: string): void {
    const { id } = socket
    let sent = 0
    let answered = 0
    const send = (): void => {
      if (this.#isOver || !socket.connected) return
      const n = sent++
      socket.emit('count', n, (answer: Answer) => {
        const expected = { n: answered, count: answered + 1, id, rooms: 2 }
        const { pid, ...seen } = answer
        if (
          JSON.stringify(Object.entries(seen).sort()) !==
          JSON.stringify(Object.entries(expected).sort())
        ) {
          this.#fault(`answer ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`)
        }
        answered += 1
        this.#answered(pid)
        setTimeout(send, PACE)
      })
    }
    socket.on('ask', (n: number, answer: (n: number) => void) => answer(n))
    socket.on('tick', (of: string) => of !== room && this.#fault(`a tick of room ${of}`))
    socket.on('connect', () => this.#fault('it has connected again'))
    socket.on('disconnect', (reason) => this.#isOver || this.#fault(`disconnect: ${reason}`))
    // Two are under way at a time.
    send()
    send()
  }

  #answered(pid: number): void {
    this.answers += 1
    if (this.pids.includes(pid)) return
    this.pids.push(pid)
    this.#waiting.get(this.pids.length)?.()
  }

  #fault(fault: string): void {
    this.faults.push(fault)
    for (const resolve of this.#waiting.values()) resolve()
  }
}

/** Clients of each kind: in both rooms, with one namespace and with two. */
export const openStrict = (
  port: number,
  clients: number,
  host?: string,
): Promise<StrictSocketIo[]> =>
  Promise.all(
    Array.from({ length: clients }, (_, n) =>
      StrictSocketIo.open(port, {
        begins: n % 2 === 0 ? 'polling' : 'websocket',
        room: n % 3 === 0 ? 'a' : 'b',
        ...(n % 4 < 2 && { namespace: '/admin' as const }),
        ...(host !== undefined && { host }),
      }),
    ),
  )
