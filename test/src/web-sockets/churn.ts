import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { seededRandom } from '@socket-port/testkit/load/random'
import { WebSocket } from 'ws'

/** How many clients come and go at a time. */
const CLIENTS = 8

/**
 * Clients that open, send some messages, and leave: with a close frame, or with the end of what they send (half-closed). Before
 * that they read nothing for a while. Each must get every echo, and a proper end.
 */
export class Churn {
  readonly faults: string[] = []
  #closed = 0
  #isStopped = false
  readonly #done: Promise<unknown>

  private constructor(port: number, seed: number) {
    const clients = Array.from({ length: CLIENTS }, (_, at) =>
      this.#run(port, seededRandom(seed + at)),
    )
    this.#done = Promise.all(clients)
    // What went wrong is seen in stop().
    this.#done.catch(() => {})
  }

  static async start(port: number, seed: number): Promise<Churn> {
    return new Churn(port, seed)
  }

  async stop(): Promise<{ closed: number; faults: string[] }> {
    this.#isStopped = true
    await this.#done
    return { closed: this.#closed, faults: this.faults }
  }

  async #run(port: number, random: () => number): Promise<void> {
    while (!this.#isStopped) {
      await this.#one(port, random)
      this.#closed += 1
    }
  }

  async #one(port: number, random: () => number): Promise<void> {
    let socket: Socket | undefined
    const ws = new WebSocket(`ws://127.0.0.1:${port}/churn`, {
      perMessageDeflate: false,
      createConnection: () => {
        socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true })
        return socket
      },
    })
    let echoed = 0
    ws.on('message', () => {
      echoed += 1
    })
    ws.on('error', (error) => this.faults.push(String(error)))
    // Not once(): it would reject at an 'error'.
    const closed = new Promise<number>((resolve) => ws.on('close', resolve))
    await Promise.race([once(ws, 'open'), closed])
    const count = Math.floor(random() * 20)
    ws.pause()
    for (let n = 0; n < count; n++) ws.send(Buffer.alloc(Math.floor(random() * 50_000)))
    await new Promise((resolve) => setTimeout(resolve, random() * 100))
    ws.resume()
    const halfCloses = random() < 0.3
    if (halfCloses) socket?.end()
    else ws.close(1000)
    const code = await closed
    const expected = halfCloses ? 1006 : 1000
    if (code !== expected || echoed !== count) {
      this.faults.push(`closed with ${code} rather than ${expected}, ${echoed} of ${count} echoes`)
    }
  }
}
