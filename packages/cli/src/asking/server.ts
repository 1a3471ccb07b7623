import { createServer, type Socket } from 'node:net'
import {
  type AskAnswer,
  type AskRequest,
  answerAsker,
  bindFd,
  descriptorOf,
  LONGEST_MESSAGE,
  type Peer,
  peerOf,
  readRequest,
} from '@socket-port/core/supervisor'
import { listenOn } from '../base/listen-on.ts'
import { LIMITS, type Limits, OpenConnections } from './open-connections.ts'

/** Answers one process that has connected. */
export interface Asker {
  /** The pid of the started process that it is, or descends from. */
  readonly started: number
  /** The answer to its request, and the descriptors that go with it. They are closed by `done`. */
  answer(request: AskRequest): { answer: AskAnswer; fds: readonly number[] }
  /** Called once, when the connection is over. */
  done(): void
}

export interface AskHandler {
  /** Called for each connection, before anything is read from it. A string is the reason why the process gets nothing. */
  admit(peer: Peer | undefined, fd: number): Asker | string
  /** Called when a process was given nothing, or has sent no request. */
  refused(peer: Peer | undefined, reason: string): void
}

export interface AskServer {
  path: string
  close(): Promise<void>
}

/** Listens on a unix socket for processes that ask for a listening socket. */
export async function openAskServer(
  path: string,
  handler: AskHandler,
  limits: Limits = LIMITS,
): Promise<AskServer> {
  const sockets = new Set<Socket>()
  const open = {
    of: new OpenConnections(limits.ofProcess),
    below: new OpenConnections(limits.below),
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    serve(socket, handler, open, limits.patience)
  })
  server.maxConnections = limits.all
  const removeFile = await listenOn(server, await bindFd({ path, mode: 0o600 }), path)
  return {
    path,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      removeFile()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** The connections of each process, and those of all processes below a started one. */
type Open = Readonly<Record<'of' | 'below', OpenConnections>>

/** Serves one connection. `patience`: milliseconds for its request. */
function serve(socket: Socket, handler: AskHandler, open: Open, patience: number): void {
  const fd = descriptorOf(socket)
  if (fd < 0) {
    socket.destroy()
    return
  }
  const peer = peerOf(fd)
  const refuse = (reason: string): void => {
    handler.refused(peer, reason)
    finish(socket, { kind: 'refused', reason })
  }
  const pid = peer?.pid ?? 0
  const asker = admit(peer, fd, handler, open)
  if (typeof asker === 'string') {
    refuse(asker)
    return
  }
  const { started } = asker
  open.of.add(pid)
  open.below.add(started)
  const timer = setTimeout(() => refuse('it has sent no request'), patience)
  socket.once('close', () => {
    clearTimeout(timer)
    asker.done()
    open.of.remove(pid)
    open.below.remove(started)
  })
  let text = ''
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part
    const end = text.indexOf('\n')
    if (end < 0 && text.length < LONGEST_MESSAGE) return
    // One request for each connection.
    socket.pause().removeAllListeners('data')
    if (end < 0) return refuse(`its request is longer than ${LONGEST_MESSAGE} bytes`)
    const request = readRequest(Buffer.from(text.slice(0, end), 'latin1').toString())
    if (typeof request === 'string') return refuse(`its request cannot be read: ${request}`)
    const { answer, fds } = asker.answer(request)
    if (answer.kind === 'refused') handler.refused(peer, answer.reason)
    finish(socket, answer, fds)
  })
}

function admit(
  peer: Peer | undefined,
  fd: number,
  handler: AskHandler,
  open: Open,
): Asker | string {
  if (open.of.isFull(peer?.pid ?? 0)) return `it has ${open.of.most} requests open already`
  const asker = handler.admit(peer, fd)
  if (typeof asker === 'string' || !open.below.isFull(asker.started)) return asker
  asker.done()
  return `processes below process ${asker.started} have ${open.below.most} requests open already`
}

/** Answers and closes. What was sent before the close can still be read. */
function finish(socket: Socket, answer: AskAnswer, fds: readonly number[] = []): void {
  const fd = descriptorOf(socket)
  try {
    if (fd >= 0) answerAsker(fd, answer, fds)
  } catch {
    // The process has gone.
  }
  socket.destroy()
}
