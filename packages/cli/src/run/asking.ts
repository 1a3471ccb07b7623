import { matchAsked, type PassedSocket, type Peer, peerProcess } from '@socket-port/core/supervisor'
import { startedAncestor } from '../asking/access.ts'
import { Refusals } from '../asking/refusals.ts'
import { type Asker, type AskServer, openAskServer } from '../asking/server.ts'
import { controlPath, ownUid } from '../control/path.ts'
import type { Reporter } from '../output/reporter.ts'
import type { Place } from '../supervisor/child.ts'
import { realClock } from '../supervisor/clock.ts'
import type { ProcessTable } from '../supervisor/process-table.ts'
import type { Worker } from '../supervisor/worker.ts'
import { nameOf } from './name.ts'
import type { RunOptions } from './options.ts'
import { inodeOf } from './sockets.ts'

const SUFFIX = '.ask'
// Several `run` can have one name, if each has a path of its own for the control socket (--control).
const MOST_OF_A_NAME = 16

export interface AskingContext {
  options: RunOptions
  reporter: Reporter
  table(): ProcessTable
  /** The sockets that a process in this place is started with. */
  passedTo(place: Place): readonly PassedSocket[]
  /** Called when a process below the one of this worker was given a socket. */
  joined(worker: Worker): void
}

/**
 * Opens the socket on which processes below the started ones ask for a listening socket, because a wrapper such as npm closes
 * those that it was passed. Warns and returns `undefined` if no directory can be used for it.
 */
export async function openAsking(context: AskingContext): Promise<AskServer | undefined> {
  const { options, reporter } = context
  const refusals = new Refusals((message) => reporter.logger.warn(message), realClock.now)
  const handler = {
    admit: (peer: Peer | undefined, fd: number) => admit(peer, fd, context),
    refused: (peer: Peer | undefined, reason: string) =>
      refusals.add(`process ${peer?.pid ?? '(unknown)'}`, reason),
  }
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? nameOf(options) : `${nameOf(options)}-${number}`
    try {
      return await openAskServer(controlPath(name, undefined, SUFFIX), handler)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' && number < MOST_OF_A_NAME) continue
      reporter.logger.warn(
        `no process can ask for a socket (${message}): start the server itself, not npm or a shell without exec`,
      )
      return undefined
    }
  }
}

function admit(peer: Peer | undefined, fd: number, context: AskingContext): Asker | string {
  if (peer === undefined || peer.pid === 0)
    return 'it is in another pid namespace, such as a container'
  if (peer.uid !== ownUid()) {
    return `it runs as user ${peer.uid}, and socket-port run as user ${ownUid()}`
  }
  const process = peerProcess(fd, peer.pid)
  if (process === undefined) return 'it has ended'
  const table = context.table()
  const leader = startedAncestor(peer.pid, (pid) => table.byStartedPid(pid) !== undefined)
  const worker = leader === undefined ? undefined : table.byStartedPid(leader)
  if (worker === undefined || !process.isRunning) {
    process.close()
    return 'socket-port run has started neither it nor a process above it'
  }
  let done = (): void => process.close()
  return {
    started: worker.startedPid,
    answer(request) {
      const isFree = ({ fd }: PassedSocket): boolean => worker.isFree(inodeOf(fd), process.pid)
      const socket = matchAsked(request, context.passedTo(worker.place), isFree)
      if ('kept' in socket) return { answer: { kind: 'none', kept: socket.kept }, fds: [] }
      const joined = worker.join(process, inodeOf(socket.fd))
      if (typeof joined === 'string')
        return { answer: { kind: 'refused', reason: joined }, fds: [] }
      const channel = joined.fds.length > 0
      if (channel) done = joined.passed
      context.joined(worker)
      return {
        answer: { kind: 'given', name: socket.name, channel },
        fds: [socket.fd, ...joined.fds],
      }
    },
    done: () => done(),
  }
}
