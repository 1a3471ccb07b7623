import { createServer, type Socket } from 'node:net'
import { bindFd } from '@socket-port/core/supervisor'
import { CommandError } from '../base/errors.ts'
import { listenOn } from '../base/listen-on.ts'
import {
  type ControlAnswer,
  type ControlCommand,
  isRequest,
  readMessages,
  writeMessage,
} from './protocol.ts'

export type Handler = (
  command: ControlCommand,
  progress: (line: string) => void,
) => Promise<ControlAnswer>

export interface ControlServer {
  path: string
  /** Answers the pending requests, then closes. */
  close(): Promise<void>
}

// Milliseconds. How long to wait for clients that do not read their answers.
const READ_TIMEOUT = 1_000

/**
 * Listens on the control socket, which only this user can use. Replaces a stale socket, but not one on which
 * a process answers.
 *
 * @throws {CommandError} with exit code 4 if the name is taken
 */
export async function openControlServer(path: string, handle: Handler): Promise<ControlServer> {
  const pending = new Set<Promise<unknown>>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // A request continues when its client has disconnected.
    socket.on('error', () => {})
    let isAsked = false
    readMessages(socket, (message) => {
      // One request for each connection: else the answers would fill the memory for a client that reads none of them.
      if (isAsked || !isRequest(message)) return void socket.destroy()
      isAsked = true
      const progress = (line: string): void => writeMessage(socket, { line })
      const answered = handle(message.command, progress).then((answer) => {
        writeMessage(socket, { answer })
        socket.end()
      })
      pending.add(answered)
      void answered.finally(() => pending.delete(answered))
    })
  })
  const removeFile = await listenOn(server, await bind(path), path)
  return {
    path,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      removeFile()
      await Promise.all(pending)
      const timer = setTimeout(() => sockets.forEach(destroy), READ_TIMEOUT)
      for (const socket of sockets) if (socket.writableLength === 0) socket.end()
      await closed
      clearTimeout(timer)
    },
  }
}

// Core removes a stale socket, after it has checked twice.
async function bind(path: string): Promise<number> {
  try {
    // Core would take a name that starts with @ for an abstract one.
    return await bindFd({ path: path.startsWith('@') ? `./${path}` : path, mode: 0o600 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_SOCKET_PORT_PATH_NOT_A_SOCKET') {
      throw new CommandError((error as Error).message, 4)
    }
    if (code !== 'EADDRINUSE') throw error
    throw new CommandError(
      `another socket-port run answers on ${path}; stop it (socket-port stop), or choose another --name`,
      4,
    )
  }
}

const destroy = (socket: Socket): void => void socket.destroy()
