import { closeSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { statOf } from '../proc/process.ts'
import { readInt32, SO_PEERPIDFD, SOL_SOCKET } from '../sockets/constants.ts'
import { type Libc, loadLibc } from '../sockets/libc.ts'

/** A running process that is no child of this one. A reused pid does not change which process it is. */
export interface PeerProcess {
  readonly pid: number
  readonly isRunning: boolean
  /** Does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void
  close(): void
}

/**
 * The process at the other end of a connected unix stream socket, whose pid is `pid` (SO_PEERCRED); `undefined` if it
 * has ended.
 *
 * The kernel gives a descriptor of the very process that has connected (SO_PEERPIDFD, Linux 6.5). Older kernels can only
 * open the one that has the pid now.
 */
export function peerProcess(
  fd: number,
  pid: number,
  libc: Libc = loadLibc(),
): PeerProcess | undefined {
  const pidfd = openPidfd(libc, fd, pid)
  if (pidfd === undefined) return undefined
  const startTime = statOf(pid)?.startTime
  const process = { pid, pidfd, startTime }
  // Look at the descriptor after the pid: if the process runs now, it was the one with this start time.
  if (startTime === undefined || pidOf(pidfd) !== pid) {
    closeSync(pidfd)
    return undefined
  }
  return referTo(process as typeof process & { startTime: number }, libc)
}

function referTo(
  { pid, pidfd, startTime }: { pid: number; pidfd: number; startTime: number },
  libc: Libc,
): PeerProcess {
  let open = true
  return {
    pid,
    get isRunning() {
      const stat = statOf(pid)
      return stat?.startTime === startTime && !['Z', 'X'].includes(stat.state)
    },
    signal(signal) {
      if (open) libc.pidfdSignal(pidfd, constants.signals[signal])
    },
    close() {
      if (open) closeSync(pidfd)
      open = false
    },
  }
}

function openPidfd(libc: Libc, fd: number, pid: number): number | undefined {
  let bytes: Uint8Array | undefined
  try {
    bytes = libc.getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD)
  } catch {
    // ESRCH: the process has ended and was collected. Its pid may belong to another one.
    return undefined
  }
  return bytes === undefined ? libc.pidfdOpen(pid) : readInt32(bytes)
}

// -1 for a process that has ended and was collected (pidfd_open(2), "fdinfo").
function pidOf(pidfd: number): number {
  try {
    const fdinfo = readFileSync(`/proc/self/fdinfo/${pidfd}`, 'latin1')
    return Number(/^Pid:\s*(-?\d+)$/m.exec(fdinfo)?.[1] ?? -1)
  } catch {
    return -1
  }
}
