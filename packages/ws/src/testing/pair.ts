import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import type { ServerOptions, WebSocket, WebSocketServer } from 'ws'

/** The server class of one version of `ws`. */
export type ServerClass = typeof WebSocketServer

/** A WebSocket of a server, over a connection in memory. */
export interface Served {
  readonly ws: WebSocket
  readonly server: WebSocketServer
  /** The events of the WebSocket: messages, pings, and its close. */
  readonly heard: string[]
  /** The bytes that it has written, the head of its response included. */
  readonly written: () => Buffer
  /** The client sends bytes. Resolves when `ws` has read them. */
  read(bytes: Uint8Array): Promise<void>
  readonly socket: Duplex
}

interface ServeOptions {
  extensions?: string
  options?: ServerOptions
}

/** Makes the handshake with a version of `ws`, on a connection in memory. */
export async function serveInMemory(
  Server: ServerClass,
  { extensions, options }: ServeOptions = {},
): Promise<Served> {
  const chunks: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _, callback) {
      chunks.push(chunk)
      callback()
    },
  })
  // Methods of a socket of Node, which `ws` before 8.3 calls.
  Object.assign(socket, { setTimeout() {}, setNoDelay() {} })
  const server = new Server({ noServer: true, ...options })
  const request = Object.assign(new EventEmitter(), {
    method: 'GET',
    url: '/',
    headers: {
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...(extensions && { 'sec-websocket-extensions': extensions }),
    },
  }) as unknown as IncomingMessage
  const opened = await new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(request, socket, Buffer.alloc(0), resolve),
  )
  const heard: string[] = []
  opened.on('message', (data, isBinary) => heard.push(`${isBinary ? 'binary' : 'text'} ${data}`))
  opened.on('ping', (data) => heard.push(`ping ${data}`))
  opened.on('close', (code) => heard.push(`close ${code}`))
  return {
    ws: opened,
    server,
    heard,
    socket,
    written: () => Buffer.concat(chunks),
    async read(bytes) {
      if (bytes.length > 0) socket.push(bytes)
      // Streams and `ws` use microtasks and immediates.
      for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
    },
  }
}
