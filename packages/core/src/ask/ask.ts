import { closeSync } from 'node:fs'
import type { SocketPortError } from '../base/errors.ts'
import { controlSize, readAncillary } from '../sockets/ancillary.ts'
import {
  AF_UNIX,
  EINTR,
  EPIPE,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  timeval,
} from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'
import { unixSockaddr } from '../sockets/sockaddr.ts'
import {
  type AskAnswer,
  type AskRequest,
  LONGEST_MESSAGE,
  readAnswer,
  writeRequest,
} from './messages.ts'

// The supervisor answers within milliseconds. Do not block the process for longer if it hangs.
const PATIENCE = 5

// A listening socket, and the two descriptors of a channel.
const ANSWER_FDS = 3

/** An answer, with the descriptors that came with it. They are close-on-exec, and the caller owns them. */
export interface Answered {
  answer: AskAnswer
  fds: readonly number[]
}

/**
 * Asks the supervisor that listens on the unix socket at `path`, and blocks until it has answered: programs expect
 * that `server.listen` is synchronous.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_SYSCALL; an Error that says what is wrong with the answer
 */
export function ask(libc: Libc, path: string, request: AskRequest): Answered {
  const fd = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
  const fds: number[] = []
  try {
    for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) {
      libc.setsockopt(fd, SOL_SOCKET, option, timeval(PATIENCE, 0))
    }
    libc.connect(fd, unixSockaddr(path))
    sendRequest(libc, fd, request)
    const answer = readAnswer(receiveLine(libc, fd, fds))
    if (typeof answer === 'string') throw new Error(`its answer cannot be read: ${answer}`)
    const count = answer.kind !== 'given' ? 0 : answer.channel ? ANSWER_FDS : 1
    if (fds.length !== count) {
      throw new Error(`its answer came with ${fds.length} descriptors, not ${count}`)
    }
    return { answer, fds }
  } catch (error) {
    fds.forEach(closeSync)
    throw error
  } finally {
    closeSync(fd)
  }
}

function sendRequest(libc: Libc, fd: number, request: AskRequest): void {
  try {
    libc.sendMessage(fd, { bytes: writeRequest(request), control: new Uint8Array(0) })
  } catch (error) {
    // The supervisor does not read the request of a process that may have no socket. Its answer says why.
    if ((error as SocketPortError).errno !== EPIPE) throw error
  }
}

/** Receives up to the end of the line. Descriptors are added to `fds`. */
function receiveLine(libc: Libc, fd: number, fds: number[]): string {
  let text = ''
  while (!text.endsWith('\n')) {
    const { bytes, control } = receive(libc, fd)
    fds.push(...readAncillary(control).fds)
    if (bytes.length === 0) throw new Error('it has closed the connection without an answer')
    text += Buffer.from(bytes).toString('latin1')
    if (text.length > LONGEST_MESSAGE) throw new Error('its answer is too long')
  }
  return Buffer.from(text, 'latin1').toString()
}

// A signal interrupts recvmsg(2) on a socket that has a time-out, even with SA_RESTART (signal(7)).
function receive(libc: Libc, fd: number): { bytes: Uint8Array; control: Uint8Array } {
  for (;;) {
    try {
      return libc.receiveMessage(fd, { bytes: LONGEST_MESSAGE, control: controlSize(ANSWER_FDS) })
    } catch (error) {
      if ((error as SocketPortError).errno !== EINTR) throw error
    }
  }
}
