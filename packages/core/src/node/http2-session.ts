import { writeSync } from 'node:fs'
import type {
  Http2ServerResponse,
  Http2Session,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { ownSymbol } from './own-symbol.ts'

/** How long in milliseconds to go on trying, if the kernel has taken only a part of a frame. */
const REST_OF_FRAME = 20

interface Handle {
  readonly fd?: number
  readonly writeQueueSize?: number
  readonly bytesWritten?: number
}

/**
 * The HTTP/2 session that reads the connection; `undefined` if there is none. Node keeps the session in the socket
 * (`kBoundSession` in lib/internal/http2/core.js), under a key that differs between versions. So it is known by
 * its form.
 */
export function sessionOn(socket: Socket): ServerHttp2Session | undefined {
  const values = Reflect.ownKeys(socket).map((key) => Reflect.get(socket, key) as unknown)
  return values.find(isSession)
}

const isSession = (value: unknown): value is ServerHttp2Session =>
  typeof value === 'object' && value !== null && 'goaway' in value && 'alpnProtocol' in value

/** The connection of a session, which `session.socket` hides behind a proxy. */
export const socketOf = (session: Http2Session): Socket | undefined =>
  ownSymbol(session, 'socket') as Socket | undefined

/**
 * The response of Node's compatibility API that stands for a stream; `undefined` where the program uses the stream itself
 * (`kResponse` in lib/internal/http2/compat.js, 20 to 26).
 */
export const compatResponse = (stream: ServerHttp2Stream): Http2ServerResponse | undefined =>
  ownSymbol(stream, 'response') as Http2ServerResponse | undefined

/** The open streams of a session (`kState` in lib/internal/http2/core.js, 20 to 26). */
export function openStreams(session: ServerHttp2Session): ServerHttp2Stream[] {
  const { streams } = (ownSymbol(session, 'state') ?? {}) as {
    streams?: Map<number, ServerHttp2Stream>
  }
  return [...(streams?.values() ?? [])]
}

/**
 * Lets the client end the connection of a session that is being closed. Node would end it right after the last
 * stream. Now the server ends it when the client has done so, or after `patience()` milliseconds.
 *
 * A client may read the end of the connection together with the last response, and report the end first: undici fails
 * a request then that was answered.
 */
export function letClientEnd(session: ServerHttp2Session, patience: () => number): void {
  const socket = socketOf(session)
  if (socket === undefined) return
  const { end } = socket
  socket.end = ((...args: Parameters<Socket['end']>) => {
    socket.end = end
    if (!session.closed || socket.readableEnded || socket.destroyed) return socket.end(...args)
    const endNow = (): void => {
      clearTimeout(timer)
      socket
        .off('end', endNow)
        .off('close', endNow)
        .end(...args)
    }
    const timer = setTimeout(endNow, patience())
    return socket.once('end', endNow).once('close', endNow)
  }) as Socket['end']
}

const handleOf = (session: ServerHttp2Session): Handle =>
  (session.socket as { _handle?: Handle | null })._handle ?? {}

/** How many bytes Node has given the kernel, or queued for it, on the connection of a session without TLS. */
export const bytesWritten = (session: ServerHttp2Session): number =>
  session.destroyed ? 0 : (handleOf(session).bytesWritten ?? 0)

/**
 * Writes a frame to the connection of a session without TLS, past Node. Returns false, and has written nothing, if
 * that cannot be done now.
 *
 * Each of Node's writes to the connection is a number of whole frames (Http2Session::SendPendingData in
 * src/node_http2.cc). libuv queues what the kernel does not take. So where its queue is empty, the last frame is
 * with the kernel in full. The first frame of a server must be its SETTINGS (RFC 9113, 3.4), so Node must have
 * written before.
 *
 * The frame does not go through the handle: if the kernel did not take it at once, libuv would report its end to the
 * session, which takes that for the end of a write of its own, and aborts the process.
 */
export function writeBetweenFrames(session: ServerHttp2Session, frame: Uint8Array): boolean {
  if (session.destroyed || session.encrypted !== false) return false
  const { fd = -1, writeQueueSize } = handleOf(session)
  if (fd < 0 || writeQueueSize !== 0 || bytesWritten(session) === 0) return false
  const outcome = writeWhole(frame, (rest) => writeSync(fd, rest))
  if (outcome === 'part') session.destroy()
  return outcome === 'all'
}

/**
 * Writes all bytes or nothing. `part`: the kernel took the first bytes, and did not take the others within 20 ms.
 * That happens only if this very frame has filled its buffer. The connection is lost then.
 */
export function writeWhole(
  bytes: Uint8Array,
  write: (rest: Uint8Array) => number,
): 'all' | 'none' | 'part' {
  const until = performance.now() + REST_OF_FRAME
  let done = 0
  do {
    try {
      done += write(bytes.subarray(done))
    } catch (error) {
      const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN'
      if (done === 0) return 'none'
      if (!isFull) return 'part'
    }
  } while (done < bytes.length && performance.now() < until)
  return done === bytes.length ? 'all' : 'part'
}
