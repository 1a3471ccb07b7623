import { O_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'

/**
 * The ends of a new pipe(2), close-on-exec; the caller owns both. For the output of a child: what
 * Node's own `'pipe'` gives is a socket, which cannot be opened as /dev/stdout.
 */
export function openPipe(): { readEnd: number; writeEnd: number } {
  const [readEnd, writeEnd] = loadLibc().pipe(O_CLOEXEC)
  return { readEnd, writeEnd }
}
