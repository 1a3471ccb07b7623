import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { O_CLOEXEC, O_NONBLOCK } from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'

/**
 * Passes the end of a pipe through `post` and resolves to true when the manager has closed it, as it
 * does once it has read all that came before (sd_notify_barrier(3)); to false where the time
 * (milliseconds) runs out first.
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
    // Before its duplicate is closed, which would look as if the manager had.
    const posted = post(write, () => end(false))
    closeSync(write)
    if (!posted) end(false)
  })
}
