import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { peerOf, plainText } from '@socket-port/core/supervisor'
import { type ExitCode, exitCodes } from '../base/exit-codes.ts'
import { findControlPaths, isTrusted, isTrustedPeer, ownDirectories, pathIn } from './path.ts'
import { type ControlAnswer, type ControlCommand, readMessages, writeMessage } from './protocol.ts'

export interface ControlTarget {
  /** The name, as in `run --name`. @default the only one that answers; if several do, an error names them */
  name?: string | undefined
  /** The path, as in `run --control`. */
  control?: string | undefined
  /** Called with each line of progress, and with the output of a new process that failed. */
  onLine?: ((line: string) => void) | undefined
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
    readMessages(
      socket,
      (message) => {
        const { line, answer } = message as { line?: unknown; answer?: unknown }
        if (typeof line === 'string') return onLine(line)
        socket.destroy()
        if (isAnswer(answer)) resolve(answer)
      },
      printable,
    )
    socket.on('error', () => {})
    socket.once('close', () => {
      resolve(
        failed(1, 'the connection was closed before the answer came; socket-port run has ended'),
      )
    })
    writeMessage(socket, { command })
  })
}

// Of every text: it may quote a process's output, and goes to a terminal.
const printable = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? plainText(value) : value

function isAnswer(value: unknown): value is ControlAnswer {
  if (typeof value !== 'object' || value === null) return false
  const { ok, exitCode, message } = value as Record<string, unknown>
  const isCode = typeof exitCode === 'number' && Object.hasOwn(exitCodes, exitCode)
  return typeof ok === 'boolean' && typeof message === 'string' && isCode
}

async function findSocket(target: ControlTarget): Promise<{ socket: Socket } | ControlAnswer> {
  const { name, control } = target
  const tried = await Promise.all(
    candidates(target).map(async (path) => ({ path, found: await open(path, target) })),
  )
  const answered = tried.filter(({ found }) => typeof found !== 'string')
  const [only, ...others] = answered
  if (only !== undefined && (others.length === 0 || name !== undefined)) {
    close(others)
    return { socket: only.found as Socket }
  }
  close(answered)
  if (only !== undefined) {
    const names = answered.map(({ path }) => basename(path, '.sock')).join(', ')
    return failed(2, `several socket-port run are there: ${names}; choose one with --name`)
  }
  return failed(3, nobody(tried as { path: string; found: string }[], { name, control }))
}

function candidates({ name, control }: ControlTarget): string[] {
  if (control !== undefined) return [control]
  if (name === undefined) return findControlPaths()
  return ownDirectories().map((directory) => pathIn(directory, name))
}

function nobody(
  tried: readonly { path: string; found: string }[],
  { name, control }: ControlTarget,
): string {
  const foreign = tried.find(({ found }) => found === FOREIGN)
  if (foreign !== undefined) {
    return (
      `${foreign.path} is another user's or may be replaced by one, and was not asked. ` +
      'Ask as the user whose socket-port run it is; as root, name the socket with --control'
    )
  }
  const refused = tried.find(({ found }) => found === 'EACCES' || found === 'EPERM')
  if (refused !== undefined) {
    return `${refused.path} is another user's (${refused.found}); ask as that user or as root`
  }
  const which = control ?? (name === undefined ? undefined : `the name ${name}`)
  return which === undefined
    ? 'no socket-port run of this user answers; start one, or name its socket with --control'
    : `no socket-port run answers under ${which}; start one, or see socket-port status`
}

// An answer from there is not trustworthy.
const FOREIGN = 'foreign'

async function open(path: string, { control }: ControlTarget): Promise<Socket | string> {
  // When the user gave the path, only the listening process is checked, not the directory.
  if (control === undefined && existsSync(path) && !isTrusted(dirname(path))) return FOREIGN
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed'
  }
  // The directory may have changed since it was looked at; who listens cannot.
  const uid = uidOf(socket, path)
  if (uid !== undefined && isTrustedPeer(path, uid)) return socket
  socket.destroy()
  return FOREIGN
}

/** The user who listens there: of the process, or of the file where native code, which asks, cannot be loaded. */
function uidOf(socket: Socket, path: string): number | undefined {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } }
  try {
    return peerOf(handle.fd)?.uid
  } catch {
    return statSync(path, { throwIfNoEntry: false })?.uid
  }
}

function close(tried: readonly { found: Socket | string }[]): void {
  for (const { found } of tried) if (typeof found !== 'string') found.destroy()
}

const failed = (exitCode: ExitCode, message: string): ControlAnswer => ({
  ok: false,
  exitCode,
  message,
})
