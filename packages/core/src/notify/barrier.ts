import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { O_CLOEXEC, O_NONBLOCK } from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'

/**
 * Sends the write end of a pipe to the manager with `post`. Resolves to true when the manager closes
 * it, which it does once it has read every earlier message (sd_notify_barrier(3)), and to false when
 * `timeout` (milliseconds) ends first.
 */
export async function passBarrier(
  libc: Libc,
  timeout: number,
  post: (fd: number, dropped: () => void) => boolean,
): Promise<boolean> {
  const [read, write] = libc.pipe(O_NONBLOCK | O_CLOEXEC)
  const pipe = new Socket({ fd: read, readable: true, writable: false }).resume()
  return new Promise((resolve) => {
    const end = (passed: boolean): void => {
      clearTimeout(timer)
      pipe.destroy()
      resolve(passed)
    }
    const timer = setTimeout(end, timeout, false)
    pipe.once('end', () => end(true))
    // Close our write end only after it was sent: closing the last copy would look like the manager's answer.
    const posted = post(write, () => end(false))
    closeSync(write)
    if (!posted) end(false)
  })
}
