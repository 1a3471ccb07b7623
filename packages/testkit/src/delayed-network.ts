import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { DelayLine } from './load/delay-line.ts'

/** A relay on a port of its own that holds everything back for the same time, in both directions. */
export class DelayedNetwork {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(port: number, delay: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
      this.#relay(client, server, new DelayLine(delay))
      this.#relay(server, client, new DelayLine(delay))
    })
  }

  /** Opens one in front of a port of 127.0.0.1, with a round trip of so many milliseconds. */
  static async open(port: number, rtt: number): Promise<DelayedNetwork> {
    const network = new DelayedNetwork(port, rtt / 2)
    network.#server.listen(0, '127.0.0.1')
    await once(network.#server, 'listening')
    return network
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #relay(from: Socket, to: Socket, line: DelayLine): void {
    this.#sockets.add(from)
    from.on('data', (bytes: Buffer) => line.put(() => to.write(bytes)))
    from.once('end', () => line.put(() => to.end()))
    from.on('error', () => line.put(() => to.destroy()))
    from.once('close', () => this.#sockets.delete(from))
  }
}
