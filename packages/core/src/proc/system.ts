import { SocketPortError } from '../base/errors.ts'
import { type Holder, holdersOf } from './holders.ts'
import { lsofSystem } from './lsof.ts'
import { ancestry, environOf, isInOurNamespace, procIsOurs, statOf } from './process.ts'
import { type ProcSocket, readSockets } from './sockets.ts'

/** A socket that listens on the port in question. */
export interface Listener {
  /** Names the socket for as long as it exists; compare it, do not read it. */
  socket: string
  /** Who opened it, where the system tells. */
  uid: number | undefined
  /** Where it listens; `0.0.0.0` and `::` are every address. */
  address?: string | undefined
}

/** Who uses a port. */
export interface PortUse {
  listeners: readonly Listener[]
  /** Only those that can be seen. */
  holders: readonly Holder[]
}

/** Everything that freeing a port asks of the operating system. */
export interface System {
  /** Returns the sockets that listen on a TCP port, of every process. */
  listeners(port: number): Promise<Listener[]>
  /** Returns these sockets and, at the price of a look at every process, who holds them. */
  look(port: number): Promise<PortUse>
  /** Returns the pids from the parent of this process up to the first one. */
  ancestors(): Promise<number[]>
  /** Returns whether a process runs in another pid namespace than this one, or may do so. */
  isElsewhere(pid: number): boolean
  /** Returns whether a process was given sockets by a manager when it was started. */
  isActivated(pid: number): boolean
  /** Returns the start time of a process, as in its Holder; undefined if it is gone. */
  startTime(pid: number): Promise<string | undefined>
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void
}

/** Returns the system of a platform; throws ERR_SOCKET_PORT_KILL_FAILED where there is none. */
export function systemOf(platform: NodeJS.Platform, port: number): System {
  if (platform === 'linux') return procSystem
  if (platform === 'darwin') return lsofSystem
  const fix =
    platform === 'win32'
      ? `Stop-Process -Id (Get-NetTCPConnection -State Listen -LocalPort ${port}).OwningProcess`
      : 'the tools of the system'
  throw new SocketPortError(
    'ERR_SOCKET_PORT_KILL_FAILED',
    `Port ${port} cannot be freed on ${platform}, only on Linux and macOS. Free it with: ${fix}`,
    { port },
  )
}

const procSystem: System = {
  listeners: async (port) => listenersOn(port).map(listenerOf),
  look: async (port) => {
    const sockets = listenersOn(port)
    return { listeners: sockets.map(listenerOf), holders: holdersOf(sockets) }
  },
  ancestors: async () => ancestry(process.pid, (pid) => statOf(pid)?.parent),
  isElsewhere: (pid) => !isInOurNamespace(pid),
  isActivated,
  startTime: async (pid) => statOf(pid)?.startTime,
  signal: (pid, name) => void process.kill(pid, name),
}

function listenersOn(port: number): ProcSocket[] {
  const sockets = readSockets()
  // No answer must not pass for an empty one: the port would be called free.
  if (sockets === undefined || !procIsOurs()) {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_KILL_FAILED',
      `Who holds port ${port} cannot be found out: /proc is ${sockets === undefined ? 'not readable' : 'that of another pid namespace'}. Mount one (mount -t proc proc /proc), and allow reading it.`,
      { port },
    )
  }
  return sockets.filter((socket) => socket.listening && socket.port === port)
}

function listenerOf({ inode, uid, address }: ProcSocket): Listener {
  return { socket: String(inode), uid, address }
}

function isActivated(pid: number): boolean {
  const env = environOf(pid)
  // Watchers such as systemfd pass sockets without LISTEN_PID.
  return env.has('LISTEN_FDS') && (env.get('LISTEN_PID') ?? String(pid)) === String(pid)
}
