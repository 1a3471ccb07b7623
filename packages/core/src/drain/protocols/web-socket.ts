import type { ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { bytesOf, unwritten } from '../../continue/written.ts'
import { wsWebSocket } from '../../node/web-socket.ts'
import { OutgoingFrames, OutgoingStreamFrames } from './outgoing-frames.ts'

const OPEN = 1

/** How the client of a WebSocket is asked to leave. */
export interface WebSocketEnd {
  /**
   * Sends a close frame with the code, at once or when the current frame is complete; then `asked` is called.
   * Returns false if that cannot be done: it is not known where a frame ends.
   */
  close(code: number, asked: () => void): boolean
}

/** Follows a WebSocket from its upgrade on, so that a close frame can be sent, whichever library made it. */
export function followWebSocket(
  socket: Duplex,
  frames: OutgoingFrames = new OutgoingFrames(),
): WebSocketEnd {
  const { write } = socket
  let closed = false
  let between = (): void => {}

  const followed = function (this: Duplex, ...args: unknown[]): boolean {
    // The close frame must be the last one (RFC 6455, 5.5.1).
    if (closed) return unwritten(args, true)
    const result = Reflect.apply(write, this, args)
    if (wsWebSocket(socket) !== undefined) {
      unfollow()
    } else {
      frames.written(bytesOf(args))
      if (frames.isBetween) between()
    }
    return result
  } as Duplex['write']
  // `ws` knows its own frames. An own property that is deleted would make each later access slower.
  const unfollow = (): void => {
    if (socket.write === followed) socket.write = write
  }
  socket.write = followed

  const writeClose = (code: number): void => {
    Reflect.apply(write, socket, [closeFrame(code)])
    closed = true
    between = () => {}
  }

  return {
    close(code, asked) {
      const ws = wsWebSocket(socket)
      if (ws !== undefined) {
        // The program may have closed it already, with a code of its own.
        if (ws.readyState === OPEN) ws.close(code)
        asked()
        return true
      }
      between = () => {
        writeClose(code)
        asked()
      }
      if (frames.isBetween) between()
      // The program has refused the handshake: nothing is left to send, and only the client has not closed.
      else if (socket.writableFinished) asked()
      else socket.once('finish', asked)
      return frames.isKnown
    },
  }
}

/** As {@link followWebSocket}, for a WebSocket on an HTTP/2 stream (RFC 8441). */
export function followWebSocketStream(stream: ServerHttp2Stream): WebSocketEnd {
  const followed = followWebSocket(stream, new OutgoingStreamFrames(stream))
  return {
    close(code, asked) {
      const isKnown = followed.close(code, asked)
      if (!stream.headersSent) afterRespond(stream, () => followed.close(code, asked))
      return isKnown
    },
  }
}

function afterRespond(stream: ServerHttp2Stream, callback: () => void): void {
  const { respond } = stream
  stream.respond = (...args) => {
    stream.respond = respond
    stream.respond(...args)
    callback()
  }
}

/** A close frame of a server (RFC 6455, 5.5.1). */
function closeFrame(code: number): Buffer {
  const frame = Buffer.from([0x88, 2, 0, 0])
  frame.writeUInt16BE(code, 2)
  return frame
}
