import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { descriptorOf, peerOf, plainText } from '@socket-port/core/supervisor'
import { type ExitCode, exitCodes } from '../base/exit-codes.ts'
import { findControlPaths, isTrusted, isTrustedPeer, ownDirectories, pathIn } from './path.ts'
import { type ControlAnswer, type ControlCommand, readMessages, writeMessage } from './protocol.ts'

// Milliseconds. A `socket-port run` answers `status` at once, so one that does not is stopped (SIGSTOP) or hangs.
const STATUS_PATIENCE = 10_000

export interface ControlTarget {
  /** The name, as in `run --name`. @default the only `run` that answers; if several answer, an error lists them */
  name?: string | undefined
  /** The path, as in `run --control`. */
  control?: string | undefined
  /** Called with each line of progress. */
  onLine?: ((line: string) => void) | undefined
}

/**
 * Asks every `socket-port run` that the target names for its status; without a name, every one of this user. Never rejects:
 * an error is an answer with an exit code.
 */
export async function statuses(
  target: ControlTarget = {},
  directories: readonly string[] = ownDirectories(),
  patience: number = STATUS_PATIENCE,
): Promise<readonly ControlAnswer[]> {
  const found = await findSockets(target, directories)
  if (!('sockets' in found)) return [found]
  return Promise.all(
    found.sockets.map(async ({ path, socket }) => {
      let silence: string | undefined
      const timer = setTimeout(() => {
        silence = whySilent(path, socket, patience)
        socket.destroy()
      }, patience)
      const answer = await ask(socket, 'status', () => {})
      clearTimeout(timer)
      return silence === undefined ? answer : failed(3, silence)
    }),
  )
}

function whySilent(path: string, socket: Socket, patience: number): string {
  let pid: number | undefined
  try {
    pid = peerOf(descriptorOf(socket))?.pid
  } catch {
    // Native code cannot be loaded to ask.
  }
  const who = pid === undefined ? 'the process that listens' : `process ${pid}, which listens`
  return (
    `${who} on ${path}, has not answered for ${patience / 1000} s: it is stopped (SIGSTOP), or it hangs. ` +
    `Continue it with kill -CONT${pid === undefined ? '' : ` ${pid}`}, or end it`
  )
}

/**
 * Sends a command to a running `socket-port run`, and resolves with its answer. `reload` is answered when it has
 * succeeded or failed, `stop` when every process has ended. Never rejects: an error is an answer with an
 * exit code.
 */
export async function controlRequest(
  command: ControlCommand,
  target: ControlTarget = {},
  directories: readonly string[] = ownDirectories(),
): Promise<ControlAnswer> {
  const found = await findSockets(target, directories)
  if (!('sockets' in found)) return found
  const { sockets } = found
  const [only, ...others] = sockets
  if (others.length === 0) return ask(only.socket, command, target.onLine ?? (() => {}))
  for (const { socket } of sockets) socket.destroy()
  const names = sockets.map(({ path }) => basename(path, '.sock')).join(', ')
  return failed(2, `several socket-port run answer: ${names}; choose one with --name`)
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
      resolve(failed(1, 'the connection was closed before the answer; socket-port run has ended'))
    })
    writeMessage(socket, { command })
  })
}

// Removes control characters: an answer may quote the output of a process, and is shown on a terminal.
const printable = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? plainText(value) : value

function isAnswer(value: unknown): value is ControlAnswer {
  if (typeof value !== 'object' || value === null) return false
  const { ok, exitCode, message } = value as Record<string, unknown>
  const isCode = typeof exitCode === 'number' && Object.hasOwn(exitCodes, exitCode)
  return typeof ok === 'boolean' && typeof message === 'string' && isCode
}

interface Answering {
  path: string
  socket: Socket
}

/** Connects to the control socket that the target names, or else to those of every `run` of this user. */
async function findSockets(
  target: ControlTarget,
  directories: readonly string[],
): Promise<{ sockets: readonly [Answering, ...Answering[]] } | ControlAnswer> {
  const { name } = target
  const tried = await Promise.all(
    candidates(target, directories).map(async (path) => ({
      path,
      found: await open(path, target),
    })),
  )
  const [first, ...others] = tried.flatMap(({ path, found }) =>
    typeof found === 'string' ? [] : [{ path, socket: found }],
  )
  if (first === undefined) {
    return failed(3, whyNoAnswer(tried as { path: string; found: string }[], target, directories))
  }
  if (name === undefined) return { sockets: [first, ...others] }
  for (const { socket } of others) socket.destroy()
  return { sockets: [first] }
}

function candidates({ name, control }: ControlTarget, directories: readonly string[]): string[] {
  if (control !== undefined) return [control]
  if (name === undefined) return findControlPaths(directories)
  return directories.map((directory) => pathIn(directory, name))
}

function whyNoAnswer(
  tried: readonly { path: string; found: string }[],
  { name, control }: ControlTarget,
  directories: readonly string[],
): string {
  const foreign = tried.find(({ found }) => found === FOREIGN)
  if (foreign !== undefined) {
    return (
      `${foreign.path} belongs to another user, or another user can replace it, so it was not used. ` +
      'Run the command as the user of that socket-port run; as root, name the socket with --control'
    )
  }
  const refused = tried.find(({ found }) => found === 'EACCES' || found === 'EPERM')
  if (refused !== undefined) {
    return `${refused.path} belongs to another user (${refused.found}); run the command as that user or as root`
  }
  const which = control ?? (name === undefined ? undefined : `the name ${name}`)
  return which === undefined
    ? // Under sudo, and without a login, XDG_RUNTIME_DIR may be another one, or missing.
      `no socket-port run of this user answers in ${directories.join(', ')}; start one, or name its socket ` +
        'with --control'
    : `no socket-port run answers under ${which}; start one, or list all with socket-port status`
}

// The socket that another user can answer on.
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
  // The directory may have changed since the check, but the user who listens cannot.
  const uid = uidOf(socket, path)
  if (uid !== undefined && isTrustedPeer(path, uid)) return socket
  socket.destroy()
  return FOREIGN
}

/** The user of the process that listens, or of the file when native code cannot be loaded to ask. */
function uidOf(socket: Socket, path: string): number | undefined {
  try {
    return peerOf(descriptorOf(socket))?.uid
  } catch {
    return statSync(path, { throwIfNoEntry: false })?.uid
  }
}

const failed = (exitCode: ExitCode, message: string): ControlAnswer => ({
  ok: false,
  exitCode,
  message,
})
