import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Continuation, continuableOf } from '@socket-port/core/adapter'

// Core sets this property on a request that it lets the next program read again.
const ATTACHMENT = Symbol.for('@socket-port/core/attachment/1')

/** A server as the relay sees it. */
interface Backend {
  readonly port: number
  /** Its sockets of the connections of the relay, by the ports of the other ends. */
  readonly sockets: Map<number, Socket>
  /** The attachments of the next handshakes, by the same ports. */
  readonly attachments: Map<number, { value: unknown; refused: (reason: string) => void }>
}

interface Connection {
  readonly client: Socket
  server: Socket
  backend: Backend
  /** The bytes that were sent to the server. */
  sent: Buffer
  isMoving: boolean
}

/**
 * Stands between clients and servers of this process, and moves a connection from one server to another, as core does
 * between processes: the second server gets the bytes that the first has not read.
 */
export class Relay {
  readonly #listener = createServer((client) => void this.#accept(client))
  readonly #connections = new Set<Connection>()
  #backend: Backend | undefined
  /** Why servers have refused connections after the head of their response. */
  readonly refusals: string[] = []

  /** New connections go to this server from now on. */
  use(server: Server): void {
    this.#backend = backendOf(server)
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
   * Moves all connections that can be moved to the server in use. Returns the reasons why others stay. Asks a connection
   * again until `patience` resolves; then the reason is what it waits for.
   */
  async move(patience: Promise<unknown> = new Promise(() => {})): Promise<string[]> {
    const next = this.#backend as Backend
    let isOver = false
    void patience.then(() => {
      isOver = true
    })
    const stayed: string[] = []
    for (const connection of this.#connections) {
      const socket = connection.backend.sockets.get(connection.server.localPort ?? 0)
      const continuable = socket && continuableOf(socket)
      if (continuable === undefined || connection.backend === next) continue
      continuable.suspend()
      let captured = continuable.capture()
      while (captured === undefined && !isOver) {
        await new Promise(setImmediate)
        captured = continuable.capture()
      }
      if (typeof captured === 'object') {
        continuable.handedOver()
        const unread = connection.sent.subarray(socket?.bytesRead)
        // Not destroy(): with unread bytes, that would reset the connection, and drop what the server has sent.
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
    const backend = this.#backend as Backend
    const server = connect(backend.port, '127.0.0.1')
    const connection: Connection = {
      client,
      server,
      backend,
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
    backend: Backend,
    { replay, attachment, refusal }: Continuation,
    unread: Buffer,
  ): Promise<void> {
    const { client, server: old } = connection
    client.pause()
    connection.isMoving = true
    // Wait for everything that the first server has sent: it must come before what the next one sends.
    await new Promise((resolve) => old.once('close', resolve))
    const server = connect(backend.port, '127.0.0.1')
    await once(server, 'connect')
    backend.attachments.set(server.localPort as number, {
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
      backend,
      sent: Buffer.concat([replay, unread]),
      isMoving: false,
    })
    server.write(connection.sent)
    client.resume()
  }
}

const known = new WeakMap<Server, Backend>()

function backendOf(server: Server): Backend {
  const { port } = server.address() as AddressInfo
  const backend: Backend = known.get(server) ?? {
    port,
    sockets: new Map(),
    attachments: new Map(),
  }
  if (known.has(server)) return backend
  known.set(server, backend)
  server.on('connection', (socket: Socket) => {
    backend.sockets.set(socket.remotePort as number, socket)
  })
  server.prependListener('upgrade', (request: IncomingMessage) => {
    const attachment = backend.attachments.get(request.socket.remotePort as number)
    if (attachment !== undefined) Object.assign(request, { [ATTACHMENT]: attachment })
  })
  return backend
}
