import { closeSync, readFileSync } from 'node:fs'
import { check, libc } from './libc.ts'

const SYS_PIDFD_OPEN = 434
const POLLIN = 1

/** Resolves when the process has ended, even if its parent has not waited for it: its pidfd is readable then (pidfd_open(2)). */
export async function untilGone(pid: number): Promise<void> {
  const pidfd = openPidfd(pid)
  if (pidfd === undefined) return
  const fds = Buffer.alloc(8)
  fds.writeInt32LE(pidfd, 0)
  fds.writeInt16LE(POLLIN, 4)
  await new Promise<void>((resolve, reject) => {
    libc.poll.async(fds, 1, -1, (error) => (error === null ? resolve() : reject(error)))
  })
  closeSync(pidfd)
}

function openPidfd(pid: number): number | undefined {
  try {
    return check('pidfd_open', libc.syscall(SYS_PIDFD_OPEN, pid, 0))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
    throw error
  }
}

/** Whether the process runs. A zombie does not: it has ended, but its parent has not waited for it. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
  } catch {
    return false
  }
}
