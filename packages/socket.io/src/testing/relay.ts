import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Continuation, continuableOf } from '@socket-port/core/adapter'

// As core gives it to a request that it has the next program read again.
const ATTACHMENT = Symbol.for('@socket-port/core/attachment/1')

/** A server as the relay sees it. */
interface Upstream {
  readonly port: number
  /** Its ends of the connections of the relay, by the ports of the others. */
  readonly sockets: Map<number, Socket>
  /** What goes along with the next handshake, by the same. */
  readonly attachments: Map<number, { value: unknown; refused: (reason: string) => void }>
}

interface Connection {
  readonly client: Socket
  server: Socket
  upstream: Upstream
  /** All that was sent to the server. */
  sent: Buffer
  isMoving: boolean
}

/**
 * Stands between clients and servers of this process, and moves a connection from one server to another as core does it
 * between processes: what the first has not read is for the second.
 */
export class Relay {
  readonly #listener = createServer((client) => void this.#accept(client))
  readonly #connections = new Set<Connection>()
  #upstream: Upstream | undefined
  /** Why servers have refused connections after the head of their response. */
  readonly refusals: string[] = []

  /** New connections go to this server from now on. */
  use(server: Server): void {
    this.#upstream = upstreamOf(server)
  }

  async listen(): Promise<number> {
    this.#listener.listen(0, '127.0.0.1')
    await once(this.#listener, 'listening')
    return (this.#listener.address() as AddressInfo).port
  }

  close(): void {
    this.#listener.close()
    for (const { client, server } of this.#connections)
      for (const end of [client, server]) end.destroy()
  }

  /**
   * Moves all connections that can be moved to the server in use. Returns why others stay. A connection is asked until
   * `patience` resolves; then the reason is what it waits for.
   */
  async move(patience: Promise<unknown> = new Promise(() => {})): Promise<string[]> {
    const next = this.#upstream as Upstream
    let isOver = false
    void patience.then(() => {
      isOver = true
    })
    const stayed: string[] = []
    for (const connection of this.#connections) {
      const socket = connection.upstream.sockets.get(connection.server.localPort ?? 0)
      const continuable = socket && continuableOf(socket)
      if (continuable === undefined || connection.upstream === next) continue
      continuable.suspend()
      let captured = continuable.capture()
      while (captured === undefined && !isOver) {
        await new Promise(setImmediate)
        captured = continuable.capture()
      }
      if (typeof captured === 'object') {
        continuable.handedOver()
        const unread = connection.sent.subarray(socket?.bytesRead)
        // Not destroy(): bytes that it has not read would reset the connection, and take with them what it has sent.
        socket?.end()
        await this.#switch(connection, next, captured, unread)
        socket?.destroy()
      } else {
        continuable.resume()
        stayed.push(captured ?? `waits: ${continuable.waitsFor}`)
      }
    }
    return stayed
  }

  #accept(client: Socket): void {
    const upstream = this.#upstream as Upstream
    const server = connect(upstream.port, '127.0.0.1')
    const connection: Connection = {
      client,
      server,
      upstream,
      sent: Buffer.alloc(0),
      isMoving: false,
    }
    this.#connections.add(connection)
    client.on('data', (bytes: Buffer) => {
      connection.sent = Buffer.concat([connection.sent, bytes])
      connection.server.write(bytes)
    })
    client.on('error', () => {})
    client.on('close', () => {
      this.#connections.delete(connection)
      connection.server.destroy()
    })
    server.on('data', (bytes) => client.write(bytes))
    server.on('error', () => {})
    server.on('close', () => {
      if (!connection.isMoving && connection.server === server) client.end()
    })
  }

  async #switch(
    connection: Connection,
    upstream: Upstream,
    { replay, attachment, refusal }: Continuation,
    unread: Buffer,
  ): Promise<void> {
    const { client, server: old } = connection
    client.pause()
    connection.isMoving = true
    // All that the first server has sent comes before what the next one sends.
    await new Promise((resolve) => old.once('close', resolve))
    const server = connect(upstream.port, '127.0.0.1')
    await once(server, 'connect')
    upstream.attachments.set(server.localPort as number, {
      value: structuredClone(attachment),
      refused: (reason) => this.refusals.push(reason),
    })
    let head: Buffer | undefined = Buffer.alloc(0)
    server.on('data', (bytes: Buffer) => {
      if (head === undefined) return void client.write(bytes)
      head = Buffer.concat([head, bytes])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (head.toString('latin1').startsWith('HTTP/1.1 101 ')) client.write(head.subarray(end + 4))
      else client.end(refusal)
      head = undefined
    })
    server.on('error', () => {})
    server.on('close', () => {
      if (connection.server === server) client.end()
    })
    Object.assign(connection, {
      server,
      upstream,
      sent: Buffer.concat([replay, unread]),
      isMoving: false,
    })
    server.write(connection.sent)
    client.resume()
  }
}

const known = new WeakMap<Server, Upstream>()

function upstreamOf(server: Server): Upstream {
  const { port } = server.address() as AddressInfo
  const upstream: Upstream = known.get(server) ?? {
    port,
    sockets: new Map(),
    attachments: new Map(),
  }
  if (known.has(server)) return upstream
  known.set(server, upstream)
  server.on('connection', (socket: Socket) => {
    upstream.sockets.set(socket.remotePort as number, socket)
  })
  server.prependListener('upgrade', (request: IncomingMessage) => {
    const attachment = upstream.attachments.get(request.socket.remotePort as number)
    if (attachment !== undefined) Object.assign(request, { [ATTACHMENT]: attachment })
  })
  return upstream
}
