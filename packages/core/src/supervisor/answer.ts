import { type AskAnswer, writeAnswer } from '../ask/messages.ts'
import { passFds } from '../sockets/ancillary.ts'
import { MSG_DONTWAIT } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'

/**
 * Answers a process that asks for a socket (`ask`), on the connection `fd`. The caller still owns the descriptors.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_SYSCALL when the process has gone
 */
export function answerAsker(fd: number, answer: AskAnswer, fds: readonly number[] = []): void {
  // The buffer of a new connection has room for an answer.
  loadLibc().sendMessage(fd, { bytes: writeAnswer(answer), control: passFds(fds) }, MSG_DONTWAIT)
}
