import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Makes the last response of a connection close it only after the request body was read to its end.
 *
 * A response may be complete before its request is (a 413, a 401). If the connection were closed then, the
 * kernel would answer the rest of the upload with a reset, and a client that sends first and reads
 * afterwards would lose the response. A connection that is kept alive reads the rest; this does the same, as
 * lingering_close of nginx does. The deadline of the drain bounds it.
 */
export function lingerAfter({ req }: ServerResponse): void {
  const socket = req.socket as Socket
  const close: typeof socket.destroySoon | undefined = socket.destroySoon
  // Any Duplex may carry HTTP: `server.emit('connection', stream)`. Node only ends one that has no such method.
  if (close === undefined) return
  socket.destroySoon = () => {
    socket.destroySoon = close
    if (req.complete || socket.readableEnded || socket.destroyed) return socket.destroySoon()
    socket.end()
    req.once('close', () => socket.destroySoon()).resume()
  }
}
