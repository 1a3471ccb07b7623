import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { AnyServer } from '../base/types.ts'
import { isFollowed } from '../node/http-parser.ts'
import type { ResolvedProbes } from './options.ts'

/** One server, as probes see it. */
export interface Probe {
  readonly paths: Pick<ResolvedProbes, 'ready' | 'live'>
  /** New connections are served, by this process or by the next one. */
  isReady(): boolean
}

interface Answer {
  readonly status: 200 | 503
  readonly body: string
}

const READY: Answer = { status: 200, body: 'ready\n' }
const NOT_READY: Answer = { status: 503, body: 'not ready\n' }
const LIVE: Answer = { status: 200, body: 'live\n' }

/** The answer to a request; `undefined` for one that is no probe. */
function answerTo(
  probes: readonly Probe[],
  method: string | undefined,
  target = '',
): Answer | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  const asked = probes.filter(({ paths }) => paths.ready === path)
  if (asked.length > 0) return areReady(asked) ? READY : NOT_READY
  return probes.some(({ paths }) => paths.live === path) ? LIVE : undefined
}

const areReady = (probes: readonly Probe[]): boolean => probes.every((probe) => probe.isReady())

const headersOf = ({ body }: Answer): OutgoingHttpHeaders => ({
  'cache-control': 'no-store',
  'content-type': 'text/plain; charset=utf-8',
  'content-length': body.length,
})

/** Answers a request that is a probe, before anything else happens; returns false for any other one. */
export function answerRequest(
  probes: readonly Probe[],
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const answer = answerTo(probes, request.method, request.url)
  if (answer === undefined) return false
  // The next probe may reach a process that is ready.
  if (!areReady(probes) && !isFollowed(request)) response.shouldKeepAlive = false
  response.writeHead(answer.status, headersOf(answer)).end(answer.body)
  return true
}

function answerStream(
  probes: readonly Probe[],
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): boolean {
  const { ':method': method, ':path': target } = headers as Record<string, string | undefined>
  const answer = answerTo(probes, method, target)
  if (answer === undefined) return false
  // Its client may have reset it by now.
  stream.on('error', () => {})
  if (stream.destroyed) return true
  stream.respond({ ':status': answer.status, ...headersOf(answer) })
  stream.end(method === 'HEAD' ? undefined : answer.body)
  return true
}

/**
 * Lets an HTTP server answer its probes itself. Its listeners do not get these requests. Returns a function that
 * undoes it.
 *
 * It replaces `emit` of this server: a listener of 'request' cannot keep the request from the other listeners, and a
 * framework adds its own at any time.
 */
export function answerProbes(server: AnyServer, probe: Probe): () => void {
  const before = Object.getOwnPropertyDescriptor(server, 'emit')
  const { emit } = server
  let probes = [probe]
  const answering = function (
    this: AnyServer,
    event: string | symbol,
    ...args: unknown[]
  ): boolean {
    // HTTP/2 emits 'stream' first, and makes a request of the stream only if something listens for 'request'.
    if (
      (event === 'request' && answerRequest(probes, ...(args as Parameters<Asked>))) ||
      (event === 'stream' && answerStream(probes, ...(args as Parameters<Opened>)))
    ) {
      return true
    }
    return Reflect.apply(emit, this, [event, ...args])
  } as typeof emit
  server.emit = answering
  return () => {
    probes = []
    // Other code may have wrapped it since, and still calls it.
    if (server.emit !== answering) return
    if (before === undefined) Reflect.deleteProperty(server, 'emit')
    else Object.defineProperty(server, 'emit', before)
  }
}

type Asked = (request: IncomingMessage, response: ServerResponse) => void
type Opened = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void
