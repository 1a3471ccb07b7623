import { counted } from '../base/counted.ts'
import { quote } from '../base/quote.ts'
import { UNKNOWN } from './fd-name.ts'

/** The first passed descriptor: SD_LISTEN_FDS_START of sd_listen_fds(3). */
export const FIRST_FD = 3

// fs.nr_open's default: no process can hold more descriptors than this.
const MOST_OPEN_FDS = 1_048_576

export interface PassedFd {
  fd: number
  name: string
}

/**
 * `absent`: no manager passed sockets. `passed`: these descriptors are ours. `refused`: the variables are
 * wrong or meant for another process, so no descriptor may be touched.
 */
export type ListenFds =
  | { kind: 'absent' }
  | { kind: 'passed'; fds: PassedFd[] }
  /** `foreign`: they were passed to another process. */
  | { kind: 'refused'; problem: string; foreign?: true }

export interface Self {
  pid: number
  /** The inode of this process's own pidfd; `undefined` before Linux 6.9. */
  pidfdInode: () => bigint | undefined
}

/**
 * Reads what a manager passed, by the rules of sd_listen_fds(3); pure.
 *
 * One rule is wider: LISTEN_PID may be absent. systemfd and the listenfd crate leave it out, because a
 * file watcher cannot know the pid in advance. Another pid is always refused.
 */
export function readListenFds(env: NodeJS.ProcessEnv, self: Self): ListenFds {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_PIDFDID, LISTEN_FDNAMES } = env
  if (LISTEN_FDS === undefined) return { kind: 'absent' }

  const refused = (problem: string): ListenFds => ({ kind: 'refused', problem })

  const count = wholeNumber(LISTEN_FDS)
  if (count === undefined || count < 1 || count > MOST_OPEN_FDS) {
    return refused(
      `LISTEN_FDS is ${quote(LISTEN_FDS)}, not a number of sockets from 1 to ${MOST_OPEN_FDS}; ` +
        'unset it, or start this process with a manager that sets it (systemd, socket-port run)',
    )
  }

  if (LISTEN_PID !== undefined) {
    const pid = wholeNumber(LISTEN_PID)
    if (pid === undefined || pid < 1) {
      return refused(
        `LISTEN_PID is ${quote(LISTEN_PID)}, not a process id; unset it or set it to the server's own`,
      )
    }
    if (pid !== self.pid) {
      const problem =
        `the sockets were passed to process ${pid}, but this is process ${self.pid}. A program in between ` +
        '(npm start, pnpm, tsx, node --watch, a shell without exec) has lost them; ' +
        `start node itself, e.g. ${startOfNode(env)}`
      return { kind: 'refused', problem, foreign: true }
    }
  }

  if (LISTEN_PIDFDID !== undefined) {
    const inode = /^\d{1,20}$/.test(LISTEN_PIDFDID) ? BigInt(LISTEN_PIDFDID) : undefined
    if (inode === undefined) {
      return refused(`LISTEN_PIDFDID is ${quote(LISTEN_PIDFDID)}, not an inode number; unset it`)
    }
    const own = self.pidfdInode()
    if (own !== undefined && own !== inode) {
      return refused(
        `LISTEN_PIDFDID is ${inode}, but this process has ${own}: the sockets were passed to an ` +
          'earlier process with the same id; start node itself from the manager',
      )
    }
  }

  const names = LISTEN_FDNAMES?.split(':')
  if (names !== undefined && names.length !== count) {
    return refused(
      `LISTEN_FDNAMES has ${counted(names.length, 'name')} (${quote(names.join(':'))}) for LISTEN_FDS=${counted(count, 'socket')}; ` +
        'give one name for each socket, separated by colons, or unset it',
    )
  }

  const fds = Array.from({ length: count }, (_, index) => ({
    fd: FIRST_FD + index,
    name: names?.[index] ?? UNKNOWN,
  }))
  return { kind: 'passed', fds }
}

// `socket-port run` numbers the generations for its processes.
const startOfNode = ({ SOCKET_PORT_GENERATION }: NodeJS.ProcessEnv): string =>
  SOCKET_PORT_GENERATION === undefined
    ? 'ExecStart=/usr/bin/node server.js, or start the program in between with socket-port run'
    : 'socket-port run --listen PORT -- node server.js'

function wholeNumber(text: string): number | undefined {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
}
