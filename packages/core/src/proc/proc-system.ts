import { SocketPortError } from '../base/errors.ts'
import { activatorOf } from './activator.ts'
import { holdersOf } from './holders.ts'
import { ancestorsOf, isInOurNamespace, procIsOurs, statOf } from './process.ts'
import { type ProcSocket, readSockets } from './sockets.ts'
import type { Listener, System } from './system.ts'

/** The system as `/proc` shows it: for Linux. */
export const procSystem: System = {
  listeners: async (port) => listenersOn(port).map(listenerOf),
  look: async (port) => {
    const sockets = listenersOn(port)
    return { listeners: sockets.map(listenerOf), holders: holdersOf(sockets) }
  },
  ancestors: async () => ancestorsOf(process.pid),
  isElsewhere: (pid) => !isInOurNamespace(pid),
  activator: activatorOf,
  startTime: async (pid) => statOf(pid)?.startTime.toString(),
  signal: (pid, name) => void process.kill(pid, name),
}

function listenersOn(port: number): ProcSocket[] {
  const sockets = readSockets()
  // Not an empty list: the port would look free.
  if (sockets === undefined || !procIsOurs()) {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_KILL_FAILED',
      `Cannot find out which process holds port ${port}: /proc is ${sockets === undefined ? 'not readable' : 'that of another pid namespace'}. Mount it (mount -t proc proc /proc), and allow this user to read it.`,
      { port },
    )
  }
  return sockets.filter((socket) => socket.listening && socket.port === port)
}

function listenerOf({ inode, uid, address }: ProcSocket): Listener {
  return { socket: String(inode), uid, address }
}
