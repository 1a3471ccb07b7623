import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../../base/types.ts'
import { isFollowed, newestRequest } from '../../node/http-parser.ts'
import { currentResponse } from '../../node/http-response.ts'
import { REQUEST_START, type RequestStart } from '../../node/http1-events.ts'
import { EndlessResponses } from './endless-responses.ts'
import { closeAfter, keepOpenAfter } from './last-response.ts'
import type { DrainContext } from './protocol.ts'

/**
 * Follows the requests of a draining server, and makes each response the last of its connection, unless the
 * connection is handed over.
 */
export class Http1Requests {
  readonly #server: AnyServer
  readonly #context: DrainContext
  readonly #allAnswered: (socket: Socket) => void
  // The newest response of each connection. Only that one may close it.
  readonly #newest = new WeakMap<Socket, ServerResponse>()
  readonly #endless: EndlessResponses

  /** `allAnswered`: all responses were sent, so the connection is idle, or about to close, or upgraded. */
  constructor(server: AnyServer, context: DrainContext, allAnswered: (socket: Socket) => void) {
    this.#server = server
    this.#context = context
    this.#allAnswered = allAnswered
    this.#endless = new EndlessResponses(context)
    subscribe(REQUEST_START, this.#onRequest)
  }

  /** Tracks a connection whose response was being sent when the drain started. */
  track(socket: Socket): void {
    const response = currentResponse(socket)
    if (response === undefined) return
    this.#context.busy(socket)
    // Pipelined requests behind this one must still be answered, so this response must not close.
    const newest = newestRequest(socket) ?? response.req
    if (newest === response.req) {
      this.#newest.set(socket, response)
      if (!this.#context.staysOpen(socket)) closeAfter(response)
    }
    this.#watch(socket, response)
  }

  /** Looks for responses that have turned out not to end by themselves. */
  look(): void {
    this.#endless.look()
  }

  /** Whether the response would not end by itself. */
  isEndless(response: ServerResponse): boolean {
    return this.#endless.has(response)
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
    if (!this.#context.staysOpen(socket) && !isFollowed(request)) closeAfter(response)
    this.#context.busy(socket)
    this.#watch(socket, response)
  }

  #watch(socket: Socket, response: ServerResponse): void {
    this.#endless.follow(socket, response)
    response.once('close', () => {
      this.#endless.delete(response)
      if (response.writableFinished) this.#context.answered()
      const newest = this.#newest.get(socket)
      if (newest !== undefined && newest !== response) return // pipelined: another one follows
      if (newest === undefined && currentResponse(socket) !== undefined) return this.track(socket)
      this.#newest.delete(socket)
      this.#allAnswered(socket)
    })
  }
}
