import type { Socket } from 'node:net'
import { afterPoll } from '../../base/after-poll.ts'
import type { AnyServer } from '../../base/types.ts'
import {
  hasParser,
  keepsParserList,
  receivingConnections,
  unreadRequest,
} from '../../node/http-parser.ts'
import { currentResponse } from '../../node/http-response.ts'
import { stopTimeoutChecks, timeoutCheck } from '../../node/request-timeouts.ts'
import { isHttp1Server } from '../../node/server-kind.ts'
import { isPlainTcp } from '../../node/tcp-handle.ts'
import { isEventStream, isOpenEnded, LOOK_EVERY } from './event-stream.ts'
import { Http1Requests } from './http1-requests.ts'
import type { Carries, ConnectionState, DrainContext, Protocol } from './protocol.ts'

/** HTTP/1.1, without TLS or with it. */
export class Http1 implements Protocol {
  /**
   * Whether the server itself reads HTTP/1.1. An HTTP/2 server with `allowHTTP1` does too, and keeps the list of
   * parsers.
   */
  readonly acceptsNew: boolean
  readonly #server: AnyServer
  readonly #context: DrainContext
  readonly #requests: Http1Requests
  readonly #checks: NodeJS.Timeout
  #receiving: ReadonlySet<Socket> | undefined

  constructor(server: AnyServer, context: DrainContext) {
    this.acceptsNew = isHttp1Server(server) || keepsParserList(server)
    this.#server = server
    this.#context = context
    this.#requests = new Http1Requests(server, context, (socket) => this.#idle(socket))
    const check = timeoutCheck(server)
    this.#checks = setInterval(() => {
      // Node looks for slow requests every `connectionsCheckingInterval`, 30 seconds by default: later than a drain ends.
      // Without more frequent checks Node's time-outs would not bound the drain.
      if (check) afterPoll(check)
      this.#requests.look()
    }, LOOK_EVERY)
  }

  speaks(socket: Socket): boolean {
    // A server of another protocol may pass its connections to an HTTP server: their parsers belong to that one.
    return this.acceptsNew && hasParser(socket)
  }

  stateOf(socket: Socket): ConnectionState {
    if (currentResponse(socket) !== undefined) return 'answering'
    return this.#isReceiving(socket) ? 'receiving' : 'idle'
  }

  carries(socket: Socket): Carries {
    const response = currentResponse(socket)
    if (response === undefined || !this.#requests.isEndless(response)) return 'request'
    if (isEventStream(response)) return 'event stream'
    return isOpenEnded(response) ? 'endless response' : 'request'
  }

  askToLeave(socket: Socket): void {
    const state = this.stateOf(socket)
    if (state === 'answering') this.#requests.track(socket)
    else if (state === 'receiving') this.#idleOnceRead(socket)
    else this.#idle(socket)
  }

  mayTransfer(socket: Socket): boolean {
    return isPlainTcp(socket)
  }

  isEndless(socket: Socket): boolean {
    const { leavesStreams, quick } = this.#context
    return leavesStreams && !quick && this.carries(socket) !== 'request'
  }

  stop(): void {
    clearInterval(this.#checks)
    this.#requests.stop()
    stopTimeoutChecks(this.#server)
  }

  #idle(socket: Socket): void {
    // The connection was upgraded if it has no parser. The upgrade may have come right behind the last request.
    if (socket.destroyed || !hasParser(socket)) return
    this.#context.idle(socket, this.#promiseOf(socket))
    this.#idleOnceRead(socket)
  }

  /** Reports the connection idle when the body of a request that was answered early has been read. */
  #idleOnceRead(socket: Socket): void {
    unreadRequest(socket)?.once('close', () => {
      if (currentResponse(socket) === undefined) this.#idle(socket)
    })
  }

  #promiseOf(socket: Socket): number {
    const { idleTimeout } = this.#context
    const { keepAliveTimeout } = this.#server as { keepAliveTimeout?: number }
    // A keepAliveTimeout of 0 has no end.
    if (!keepAliveTimeout || keepAliveTimeout >= idleTimeout) return idleTimeout
    // A connection without a request was promised nothing.
    return socket.bytesRead === 0 ? idleTimeout : keepAliveTimeout
  }

  // Node's list is read once for all connections that are asked for in one go: nothing is parsed in between.
  #isReceiving(socket: Socket): boolean {
    if (this.#receiving === undefined) {
      // A new connection. With thousands of them the list would be long, and would be read for each.
      if (socket.bytesRead === 0) return false
      this.#receiving = receivingConnections(this.#server)
      queueMicrotask(() => {
        this.#receiving = undefined
      })
    }
    return this.#receiving.has(socket)
  }
}
