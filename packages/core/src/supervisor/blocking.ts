import { F_GETFL, F_SETFL, O_NONBLOCK } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'

/**
 * Makes accept(2) on a new socket wait, as on sockets that systemd passes (`NonBlocking=no`). Programs that
 * must not wait set the flag themselves. Do not call it for a socket that a process serves already: all
 * processes share the flag, and libuv's accept would wait.
 */
export function setBlocking(fd: number): void {
  const libc = loadLibc()
  const flags = libc.fcntl(fd, F_GETFL, 0)
  libc.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)
}
