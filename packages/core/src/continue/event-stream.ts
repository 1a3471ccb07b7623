import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { invalid } from '../base/validate.ts'
import { hasNextRequest } from '../node/http-parser.ts'
import { isHeadSent, sentHead } from '../node/http-response.ts'
import { isFlushed, pauseReading, resumeReading } from '../node/tcp-handle.ts'
import { type AnyRequest, requestOf } from './attachment.ts'
import { type Continuable, type Continuation, handOverConnection } from './continuable.ts'
import { LastEventId } from './last-event-id.ts'
import { requestHead } from './request-head.ts'
import { StreamTail } from './stream-tail.ts'

/** A response, or what a framework makes of it and keeps it in: Fastify's `reply.raw`, Koa's `ctx.res`. */
export type AnyResponse = ServerResponse | { raw: ServerResponse } | { res: ServerResponse }

export interface HandOverEventStreamOptions {
  /**
   * What `attachmentOf` returns in the next process: anything that `structuredClone` takes, at most 64 KiB. Called at
   * the last moment. @default nothing
   */
  attachment?: (() => unknown) | undefined
}

/**
 * Lets the next process continue an event stream, so that its client sees no end. Call it before the first event is
 * written, in the listener of the request.
 *
 * The drain hands the connection over between two events. The next process gets the request again, with the id of the
 * last event as `Last-Event-ID`. Its program must answer with the same status and the same headers of the content,
 * and then sends what has come since; the head of its response is not sent a second time. Where the program answers
 * otherwise, the stream ends properly, and the client connects anew. In this process the response is closed, as when
 * a client leaves; it emits `'handover'` before.
 *
 * A stream over HTTP/2 or TLS, one that is compressed, and the answer to a request that had a body stay here. They end as
 * if this function had not been called.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION
 */
export function handOverEventStream(
  request: AnyRequest,
  response: AnyResponse,
  { attachment }: HandOverEventStreamOptions = {},
): void {
  const req = requestOf(request)
  const res = responseOf(response)
  if (attachment !== undefined && typeof attachment !== 'function') {
    const repair = '; pass { attachment: () => ({ sent }) }'
    throw invalid('attachment of handOverEventStream', attachment, 'a function', repair)
  }
  // An answer to HEAD has no events.
  if (req.httpVersionMajor !== 1 || req.method === 'HEAD') return
  const stream = new EventStream(req, res, urlOf(request, req), attachment)
  const undo = handOverConnection(req.socket, stream)
  res.once('close', undo)
}

/** The URL as the client sent it: routers of Express and Koa remove the path on which they are mounted. */
function urlOf(request: AnyRequest, raw: IncomingMessage): string | undefined {
  const found = [request, raw].map((one) => Reflect.get(one, 'originalUrl'))
  return found.find((url) => typeof url === 'string') ?? raw.url
}

function responseOf(response: AnyResponse): ServerResponse {
  const { raw, res, write } = (response ?? {}) as { [name: string]: unknown }
  const found = raw ?? (typeof write === 'function' ? response : res)
  if (typeof (found as Partial<ServerResponse> | undefined)?.writeHead === 'function') {
    return found as ServerResponse
  }
  throw invalid('the response', response, 'one of node:http', '; pass what the listener was given')
}

class EventStream implements Continuable {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #socket: Socket
  readonly #url: string | undefined
  readonly #attachment: (() => unknown) | undefined
  readonly #lastId: LastEventId
  readonly #tail = new StreamTail()

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    url: string | undefined,
    attachment: (() => unknown) | undefined,
  ) {
    this.#request = request
    this.#response = response
    this.#socket = request.socket
    this.#url = url
    this.#attachment = attachment
    const { 'last-event-id': lastId = '' } = request.headers
    this.#lastId = new LastEventId(String(lastId))
    const { write } = response
    response.write = ((...args: unknown[]) => {
      const result = Reflect.apply(write, response, args)
      this.#lastId.written(...args)
      this.#tail.written(args[0])
      return result
    }) as ServerResponse['write']
  }

  suspend(): void {
    pauseReading(this.#socket)
  }

  capture(): Continuation | string | undefined {
    const [request, response] = [this.#request, this.#response]
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers
    if (length !== '0' || encoding !== undefined) return 'the request had a body'
    if (/^content-encoding: *(?!identity)/im.test(sentHead(response))) return 'it is compressed'
    if (response.writableEnded) return 'it has ended'
    // This process has read that request, so it must answer it.
    if (hasNextRequest(this.#socket, request)) return 'a request has come behind it'
    if (!isHeadSent(response) || !isFlushed(response, this.#socket) || !this.#tail.isBetween)
      return undefined
    const lastId = this.#lastId.value
    return {
      kind: 'eventStreams',
      replay: requestHead(request, {
        url: this.#url,
        headers: { 'last-event-id': lastId || undefined },
      }),
      responseHead: sentHead(response),
      refusal: Buffer.from(response.chunkedEncoding ? '0\r\n\r\n' : ''),
      attachment: this.#attachment?.(),
    }
  }

  handedOver(): void {
    this.#response.emit('handover')
  }

  resume(): void {
    resumeReading(this.#socket)
  }
}
