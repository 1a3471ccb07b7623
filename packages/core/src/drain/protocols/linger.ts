import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Closes the connection only after the request body was read to its end.
 *
 * A response may be complete before its request is (a 413, a 401). Closing then makes the kernel
 * answer the rest of the upload with a reset, which takes the response away from a client that
 * sends first and reads afterwards. Kept alive, the connection would have read on; so does this,
 * as nginx's lingering_close. The deadline of the drain bounds it.
 */
export function lingerAfter({ req }: ServerResponse): void {
  const socket = req.socket as Socket
  const close = socket.destroySoon
  socket.destroySoon = () => {
    socket.destroySoon = close
    if (req.complete || socket.readableEnded || socket.destroyed) return socket.destroySoon()
    socket.end()
    req.once('close', () => socket.destroySoon()).resume()
  }
}
