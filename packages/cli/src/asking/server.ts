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

const MOST_OPEN = 256
// A process asks when one of its servers starts to listen, and waits for the answer, so it needs few connections at a time.
// The limit keeps it from using up all that may be open.
const MOST_OF_A_PROCESS = 4
// Milliseconds. A process sends its request at once.
const PATIENCE = 2_000

/** Answers one process that has connected. */
export interface Asker {
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
export async function openAskServer(path: string, handler: AskHandler): Promise<AskServer> {
  const sockets = new Set<Socket>()
  const open = new Map<number, number>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    serve(socket, handler, open)
  })
  server.maxConnections = MOST_OPEN
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

/** Serves one connection. `open` has the number of connections of each process. */
function serve(socket: Socket, handler: AskHandler, open: Map<number, number>): void {
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
  const others = open.get(pid) ?? 0
  const asker =
    others < MOST_OF_A_PROCESS
      ? handler.admit(peer, fd)
      : `it has ${MOST_OF_A_PROCESS} requests open already`
  if (typeof asker === 'string') {
    refuse(asker)
    return
  }
  open.set(pid, others + 1)
  const timer = setTimeout(() => refuse('it has sent no request'), PATIENCE)
  socket.once('close', () => {
    clearTimeout(timer)
    asker.done()
    const left = (open.get(pid) ?? 1) - 1
    if (left > 0) open.set(pid, left)
    else open.delete(pid)
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
