import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { CommandError } from '../errors.ts'
import type { ControlAnswer, ControlCommand } from './client.ts'
import { isRequest, readMessages, writeMessage } from './protocol.ts'

export type Handler = (
  command: ControlCommand,
  progress: (line: string) => void,
) => Promise<ControlAnswer>

export interface ControlServer {
  path: string
  /** Answers what has been asked, and closes. */
  close(): Promise<void>
}

// For a client that does not read its answer.
const LAST_ANSWERS = 1_000

/**
 * Listens on the control socket, for this user alone. One that is left over is replaced; one on which
 * somebody answers is not.
 *
 * @throws {CommandError} with exit code 4 where the name is taken
 */
export async function openControlServer(path: string, handle: Handler): Promise<ControlServer> {
  const asked = new Set<Promise<unknown>>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // A client that is gone does not matter to what it has asked for.
    socket.on('error', () => {})
    readMessages(socket, (message) => {
      if (!isRequest(message)) return void socket.destroy()
      const progress = (line: string): void => writeMessage(socket, { line })
      const answered = handle(message.command, progress).then((answer) => {
        writeMessage(socket, { answer })
        socket.end()
      })
      asked.add(answered)
      void answered.finally(() => asked.delete(answered))
    })
  })
  await listenAt(server, path)
  return {
    path,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.all(asked)
      const timer = setTimeout(() => sockets.forEach(destroy), LAST_ANSWERS)
      for (const socket of sockets) if (socket.writableLength === 0) socket.end()
      await closed
      clearTimeout(timer)
    },
  }
}

async function listenAt(server: Server, path: string): Promise<void> {
  try {
    await listen(server, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (await isAnswered(path)) {
      throw new CommandError(
        `another socket-port run answers on ${path}; stop it (socket-port stop), or choose another --name`,
        4,
      )
    }
    rmSync(path, { force: true })
    await listen(server, path)
  }
}

async function listen(server: Server, path: string): Promise<void> {
  // bind(2) is in the synchronous part: nobody else can open the socket in between.
  const before = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(before)
  }
  await once(server, 'listening')
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code !== 'ECONNREFUSED' && code !== 'ENOENT'
  } finally {
    socket.destroy()
  }
}

const destroy = (socket: Socket): void => void socket.destroy()
