import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { basename } from 'node:path'
import type { ExitCode } from '../run/exit-codes.ts'
import { findControlPaths, ownDirectories, pathIn } from './path.ts'
import { type Reply, readMessages, writeMessage } from './protocol.ts'
import type { Status } from './status.ts'

export type ControlCommand = 'reload' | 'status' | 'stop'

export interface ControlTarget {
  /** As `run --name`. @default the only one that answers; an error names them where several do */
  name?: string | undefined
  /** As `run --control`. */
  control?: string | undefined
  /** Told each line of progress, and of the new process's output where it failed. */
  onLine?: ((line: string) => void) | undefined
}

export interface ControlAnswer {
  ok: boolean
  exitCode: ExitCode
  /** For humans, what happened and what to do; possibly several lines. */
  message: string
  /** Of `status`. */
  status?: Status
}

/**
 * Asks a running `socket-port run` and resolves with its answer: of `reload` when the reload has
 * succeeded or failed, of `stop` when every process is gone. Never rejects: what goes wrong is an
 * answer with its exit code.
 */
export async function controlRequest(
  command: ControlCommand,
  target: ControlTarget = {},
): Promise<ControlAnswer> {
  const found = await findSocket(target)
  if (!('socket' in found)) return found
  return ask(found.socket, command, target.onLine ?? (() => {}))
}

function ask(
  socket: Socket,
  command: ControlCommand,
  onLine: (line: string) => void,
): Promise<ControlAnswer> {
  return new Promise((resolve) => {
    readMessages(socket, (message) => {
      const reply = message as Reply
      if ('line' in reply) return onLine(reply.line)
      socket.destroy()
      resolve(reply.answer)
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      resolve(
        failed(1, 'the connection was closed before the answer came; socket-port run has ended'),
      )
    })
    writeMessage(socket, { command })
  })
}

async function findSocket({
  name,
  control,
}: ControlTarget): Promise<{ socket: Socket } | ControlAnswer> {
  const wanted =
    control !== undefined
      ? [control]
      : name !== undefined
        ? ownDirectories().map((directory) => pathIn(directory, name))
        : findControlPaths()
  const tried = await Promise.all(wanted.map(async (path) => ({ path, found: await open(path) })))
  const answering = tried.filter(({ found }) => typeof found !== 'string')
  const [only, ...others] = answering
  if (only !== undefined && (others.length === 0 || name !== undefined)) {
    close(others)
    return { socket: only.found as Socket }
  }
  close(answering)
  if (only !== undefined) {
    const names = answering.map(({ path }) => basename(path, '.sock')).join(', ')
    return failed(2, `several socket-port run are there: ${names}; choose one with --name`)
  }
  return failed(3, nobody(tried as { path: string; found: string }[], { name, control }))
}

function nobody(
  tried: readonly { path: string; found: string }[],
  { name, control }: ControlTarget,
): string {
  const refused = tried.find(({ found }) => found === 'EACCES' || found === 'EPERM')
  if (refused !== undefined) {
    return `${refused.path} is another user's (${refused.found}); ask as that user or as root`
  }
  const which = control ?? (name === undefined ? undefined : `the name ${name}`)
  return which === undefined
    ? 'no socket-port run of this user answers; start one, or name its socket with --control'
    : `no socket-port run answers under ${which}; start one, or see socket-port status`
}

async function open(path: string): Promise<Socket | string> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed'
  }
}

function close(tried: readonly { found: Socket | string }[]): void {
  for (const { found } of tried) if (typeof found !== 'string') found.destroy()
}

const failed = (exitCode: ExitCode, message: string): ControlAnswer => ({
  ...{ ok: false, exitCode, message },
})
