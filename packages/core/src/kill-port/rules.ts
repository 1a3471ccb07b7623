import type { Activator } from '../proc/activator.ts'
import { describeHolder, isManager } from '../proc/holders.ts'
import type { Listener, PortUse } from '../proc/system.ts'

/** The process that wants the port, and what it knows about the holders. */
export interface Caller {
  pid: number
  uid: number
  /** From its parent up to the first process. */
  ancestors: readonly number[]
  /** What passed sockets to a holder as it started it. */
  activator: (pid: number) => Activator | undefined
  /** The holders that run in another pid namespace, or may do so. */
  elsewhere: readonly number[]
}

/** Says why no process on the port may be signalled, and what to do; undefined if all may be. */
export function refusal(use: PortUse, caller: Caller): string | undefined {
  // One protected holder protects the others too: ending them would not free the port.
  for (const rule of rules) {
    const reason = rule(use, caller)
    if (reason !== undefined) return reason
  }
  return undefined
}

/** Returns a listening socket that none of the holders has. */
export function hiddenListener({ listeners, holders }: PortUse): Listener | undefined {
  return listeners.find(({ socket }) => !holders.some(({ sockets }) => sockets.includes(socket)))
}

const rules: readonly ((use: PortUse, caller: Caller) => string | undefined)[] = [
  ({ holders }, { pid }) =>
    holders.some((holder) => holder.pid === pid)
      ? 'this process would end itself. Close its server, or listen on the socket it inherited.'
      : undefined,

  // PID 1 of a container is an ordinary pid here. Ending it would end the whole container.
  ({ holders }, { elsewhere }) => {
    const foreign = holders.find(({ pid }) => elsewhere.includes(pid))
    if (foreign === undefined) return undefined
    return `${describeHolder(foreign)} runs in another container (pid namespace). Stop it there, or use another port.`
  },

  ({ holders }, { ancestors }) => {
    const parent = holders.find(({ pid }) => ancestors.includes(pid))
    if (parent === undefined) return undefined
    return `${describeHolder(parent)} manages this socket and started this process. Stop it there, or use another port.`
  },

  ({ holders }) => {
    const manager = holders.find(isManager)
    if (manager === undefined) return undefined
    return `${describeHolder(manager)} manages this socket. Stop it there (systemctl stop the .socket unit), or use another port.`
  },

  ({ holders }, { activator }) => {
    const child = holders.find(({ pid }) => activator(pid) !== undefined)
    if (child === undefined) return undefined
    return activator(child.pid) === 'socket-port run'
      ? `${describeHolder(child)} was started by socket-port run, which owns its sockets and would start it again. Stop both (socket-port stop), or use another port.`
      : `${describeHolder(child)} was started with LISTEN_FDS, so a manager owns its sockets and would start it again. Stop it through that manager (systemctl stop the .socket and .service units), or use another port.`
  },

  ({ holders }, { uid }) => {
    const foreign = holders.find((holder) => holder.uid !== uid)
    if (foreign === undefined) return undefined
    return `${describeHolder(foreign)} belongs to user ${foreign.uid}, this process to user ${uid}. Stop it as that user, or use another port.`
  },

  (use, { uid }) => {
    const hidden = hiddenListener(use)
    if (hidden === undefined) return undefined
    return `the socket belongs to user ${hidden.uid ?? 'unknown'}, and this process (user ${uid}) cannot see who holds it: a process of another user or container. Stop it there, or use another port.`
  },

  // The kernel hides which processes of another user hold a socket, but not which user opened it.
  ({ listeners }, { uid }) => {
    const opened = listeners.find((listener) => listener.uid !== undefined && listener.uid !== uid)
    if (opened === undefined) return undefined
    return `the socket was opened by user ${opened.uid}, perhaps a manager such as systemd, and this process belongs to user ${uid}. Stop it through its manager, or use another port.`
  },
]
