import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../types.ts'
import { closeAfter, keepOpenAfter } from './last-response.ts'
import { isFollowed } from './node-internals.ts'

// Published for every request, `Expect: 100-continue` included, before any listener sees it.
const REQUEST_START = 'http.server.request.start'

interface RequestStart {
  request: IncomingMessage
  response: ServerResponse
  socket: Socket
  server: AnyServer
}

/** What Node's HTTP/1.1 server keeps on a socket; `parser` is gone after an upgrade. */
export interface Http1Socket extends Socket {
  parser?: { incoming?: IncomingMessage | null } | null
  /** The response that is being sent; further ones wait behind it when requests are pipelined. */
  _httpMessage?: ServerResponse | null
}

export interface RequestListener {
  /** The connection is to close after its response. */
  isLast(socket: Socket): boolean
  requested(socket: Socket): void
  /** A response has been sent in full. */
  answered(): void
  /** No response is left to send: the connection is idle or about to close. */
  fellIdle(socket: Socket): void
}

/** True while a request is being answered on the connection. */
export const isAnswering = (socket: Http1Socket): boolean => Boolean(socket._httpMessage)

/**
 * Makes every response of a draining server the last of its connection, unless the connection is to
 * be handed over. Installed when the drain
 * starts: a server that does not drain pays nothing.
 */
export class LastResponses {
  readonly #server: AnyServer
  readonly #listener: RequestListener
  // The newest response of each connection: only that one may close it.
  readonly #newest = new WeakMap<Socket, ServerResponse>()

  constructor(server: AnyServer, listener: RequestListener) {
    this.#server = server
    this.#listener = listener
    subscribe(REQUEST_START, this.#onRequest)
  }

  /** Takes over a connection that was being answered when the drain started. */
  adopt(socket: Http1Socket): void {
    const response = socket._httpMessage
    if (!response) return
    this.#listener.requested(socket)
    // Requests that were pipelined behind this one must still be answered: then it cannot close.
    const newest = socket.parser?.incoming ?? response.req
    if (newest === response.req) {
      this.#newest.set(socket, response)
      if (this.#listener.isLast(socket)) closeAfter(response)
    }
    this.#watch(socket, response)
  }

  stop(): void {
    unsubscribe(REQUEST_START, this.#onRequest)
  }

  readonly #onRequest = (message: unknown): void => {
    const { request, response, socket, server } = message as RequestStart
    if (server !== this.#server) return
    const before = this.#newest.get(socket)
    if (before !== undefined && !before.writableFinished) keepOpenAfter(before)
    this.#newest.set(socket, response)
    if (this.#listener.isLast(socket) && !isFollowed(request)) closeAfter(response)
    this.#listener.requested(socket)
    this.#watch(socket, response)
  }

  #watch(socket: Http1Socket, response: ServerResponse): void {
    response.once('close', () => {
      if (response.writableFinished) this.#listener.answered()
      const newest = this.#newest.get(socket)
      if (newest !== undefined && newest !== response) return // pipelined: another one follows
      if (newest === undefined && isAnswering(socket)) return this.adopt(socket)
      this.#newest.delete(socket)
      this.#listener.fellIdle(socket)
    })
  }
}
