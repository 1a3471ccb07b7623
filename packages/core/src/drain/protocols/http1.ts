import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../../base/types.ts'
import { isFollowed, newestRequest } from '../../node/http-parser.ts'
import { currentResponse } from '../../node/http-response.ts'
import { closeAfter, keepOpenAfter } from './last-response.ts'

// Node publishes it for every request, also with `Expect: 100-continue`, before any listener runs.
const REQUEST_START = 'http.server.request.start'

interface RequestStart {
  request: IncomingMessage
  response: ServerResponse
  socket: Socket
  server: AnyServer
}

export interface RequestListener {
  /** Whether the connection must close after its response. */
  isLast(socket: Socket): boolean
  requested(socket: Socket): void
  /** A response has been sent in full. */
  answered(): void
  /** All responses were sent: the connection is idle, or about to close. */
  fellIdle(socket: Socket): void
}

/** Whether a response is being sent on the connection. */
export const isAnswering = (socket: Socket): boolean => currentResponse(socket) !== undefined

/**
 * Makes every response of a draining server the last of its connection, unless the connection is handed over.
 * It is installed when the drain starts, so a server that does not drain pays nothing.
 */
export class LastResponses {
  readonly #server: AnyServer
  readonly #listener: RequestListener
  // The newest response of each connection. Only that one may close it.
  readonly #newest = new WeakMap<Socket, ServerResponse>()

  constructor(server: AnyServer, listener: RequestListener) {
    this.#server = server
    this.#listener = listener
    subscribe(REQUEST_START, this.#onRequest)
  }

  /** Tracks a connection whose response was being sent when the drain started. */
  track(socket: Socket): void {
    const response = currentResponse(socket)
    if (response === undefined) return
    this.#listener.requested(socket)
    // Pipelined requests behind this one must still be answered, so this response must not close.
    const newest = newestRequest(socket) ?? response.req
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

  #watch(socket: Socket, response: ServerResponse): void {
    response.once('close', () => {
      if (response.writableFinished) this.#listener.answered()
      const newest = this.#newest.get(socket)
      if (newest !== undefined && newest !== response) return // pipelined: another one follows
      if (newest === undefined && isAnswering(socket)) return this.track(socket)
      this.#newest.delete(socket)
      this.#listener.fellIdle(socket)
    })
  }
}
