import { readStoreName } from '../listen/fd-name.ts'
import { readListenFds } from '../listen/listen-fds.ts'
import { readableEnviron, statOf } from '../proc/process.ts'
import { readSockets, socketInode } from '../proc/sockets.ts'
import type { DiagnosedSocket } from './rules/types.ts'

/** What /proc shows of another process. */
export interface Outside {
  environment: Readonly<Record<string, string>>
  /** Why the sockets were refused, in words. */
  refusal: string | undefined
  /** The descriptors that were passed to it and that it still has open. */
  sockets: DiagnosedSocket[]
  /** What could not be found out, and why. */
  unknown: string[]
}

const PASSED = 'what was passed'

/** Whether it could be found out what was passed to the process. */
export const passedIsKnown = (unknown: readonly string[]): boolean =>
  !unknown.some((what) => what.startsWith(PASSED))

/** Looks at another process from outside, as far as this user may. */
export function lookAt(pid: number): Outside {
  const variables = readableEnviron(pid)
  if (variables === undefined) {
    const why =
      statOf(pid) === undefined
        ? `there is no process ${pid}`
        : `the environment of pid ${pid} cannot be read. Run this as root, or as its user`
    const unknown = [`${PASSED}: ${why}`, UNSEEN]
    return { environment: {}, refusal: undefined, sockets: [], unknown }
  }
  const environment = Object.fromEntries(variables)
  const passed = readListenFds(environment, { pid, pidfdInode: () => undefined })
  if (passed.kind !== 'passed') {
    const refusal = passed.kind === 'refused' ? passed.problem : undefined
    return { environment, refusal, sockets: [], unknown: [UNSEEN] }
  }
  const table = readSockets(pid) ?? []
  // A queue holds connections for the process; it is no socket to listen on.
  const listeners = passed.fds.filter(({ name }) => readStoreName(name).kind !== 'queue')
  const sockets = listeners.flatMap(({ fd, name }): DiagnosedSocket[] => {
    const inode = socketInode(fd, pid)
    const found = table.find((socket) => socket.inode === inode && socket.listening)
    if (inode === undefined || found === undefined) return []
    const { family, address, port, path, listening, queueLength } = found
    return [
      {
        fd,
        name,
        family,
        address,
        port,
        path,
        listening,
        queueLength,
        ipv6Only: undefined,
        backlog: undefined,
        taken: undefined,
        problem: undefined,
        stored: readStoreName(name).kind === 'listener',
      },
    ]
  })
  const others = listeners.length - sockets.length
  const unknown = others > 0 ? [`what ${others} of ${listeners.length} ${NOT_LISTENING}`] : []
  return { environment, refusal: undefined, sockets, unknown: [...unknown, UNSEEN] }
}

const NOT_LISTENING = 'passed descriptors were: they do not listen, or the process has closed them'

// Only the process itself knows what its program asked for, and which server took which socket.
const UNSEEN =
  'what the program asked for, and whether it serves what was passed: this is not visible from ' +
  'outside. Call diagnose() in the program'
