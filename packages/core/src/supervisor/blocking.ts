import { F_GETFL, F_SETFL, O_NONBLOCK } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'

/**
 * Makes a new socket one on which accept(2) waits, as systemd passes it (`NonBlocking=no`): programs
 * that need it otherwise set it themselves. Not for a socket that somebody serves already: the flag
 * is shared, and libuv's accept would wait too.
 */
export function setBlocking(fd: number): void {
  const libc = loadLibc()
  const flags = libc.fcntl(fd, F_GETFL, 0)
  libc.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)
}
