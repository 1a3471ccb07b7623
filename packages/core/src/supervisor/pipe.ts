import { O_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'

/**
 * Opens a close-on-exec pipe(2); the caller owns both ends. It is for the output of a child: Node's own
 * `'pipe'` is a socket, which a child cannot open as /dev/stdout.
 */
export function openPipe(): { readEnd: number; writeEnd: number } {
  const [readEnd, writeEnd] = loadLibc().pipe(O_CLOEXEC)
  return { readEnd, writeEnd }
}
