import { randomBytes } from 'node:crypto'
import { closeSync } from 'node:fs'
import type { SocketPortError } from '../base/errors.ts'
import { controlSize, MOST_FDS, readAncillary } from '../sockets/ancillary.ts'
import {
  AF_UNIX,
  EAGAIN,
  EINTR,
  int32,
  MSG_DONTWAIT,
  O_CLOEXEC,
  SO_PASSCRED,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../sockets/constants.ts'
import { type Libc, loadLibc } from '../sockets/libc.ts'
import { unixSockaddr } from '../sockets/sockaddr.ts'
import { type Notification, parseFields } from './notification.ts'

// Twice what systemd reads (NOTIFY_BUFFER_MAX in manager.c).
const LONGEST_NOTIFICATION = 8192

const MOST_AT_ONCE = 256

export interface NotifySocket {
  /** The value for NOTIFY_SOCKET: an abstract address, which leaves no file behind. */
  readonly address: string
  /** Delivers what has arrived before it returns, such as the last notifications of a process that has ended. */
  readNow(): void
  /** Delivers what has arrived, and closes the socket. No message is delivered after it has resolved. */
  close(): Promise<void>
}

/**
 * Opens the manager's side of sd_notify(3): `receive` gets each message, with the sender's pid and the
 * descriptors that came with it. It occupies one thread of libuv's pool until it is closed.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_SYSCALL; whatever loading libc throws
 */
export function openNotifySocket(receive: (message: Notification) => void): NotifySocket {
  const libc = loadLibc()
  const name = `socket-port/${process.pid}/${randomBytes(8).toString('hex')}`
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  const opened = [fd]
  try {
    // Set it before the bind, so that even the first sender's pid is known.
    tellSenders(libc, fd)
    libc.bind(fd, unixSockaddr(`\0${name}`))
    const [wakeRead, wakeWrite] = libc.pipe(O_CLOEXEC)
    opened.push(wakeRead)
    let isOpen = true
    let closing = false
    // The poll ends when the pipe hangs up. Closing the socket itself would not end it.
    const wake = (): void => {
      if (!closing) closeSync(wakeWrite)
      closing = true
    }
    // Node waits for the threads of its pool before the process ends. So without this, the process would hang
    // for ever after an exception or process.exit.
    process.once('exit', wake)
    const ended = receiveAll(libc, fd, wakeRead, receive).finally(() => {
      isOpen = false
      process.off('exit', wake)
      opened.forEach(closeSync)
    })
    return {
      address: `@${name}`,
      readNow() {
        if (isOpen) receiveWaiting(libc, fd, receive)
      },
      close() {
        wake()
        return ended
      },
    }
  } catch (error) {
    opened.forEach(closeSync)
    throw error
  }
}

async function receiveAll(
  libc: Libc,
  fd: number,
  wake: number,
  receive: (message: Notification) => void,
): Promise<void> {
  for (;;) {
    const woken = await waitFor(libc, fd, wake)
    receiveWaiting(libc, fd, receive)
    if (woken) return
  }
}

/** Delivers the messages that wait in the socket, up to a limit. Returns true where more may wait. */
export function receiveWaiting(
  libc: Libc,
  fd: number,
  receive: (message: Notification) => void,
): boolean {
  let message = next(libc, fd)
  // The limit keeps a process that never stops sending from blocking the event loop.
  for (let count = 1; message !== undefined; count += 1) {
    receive(message)
    if (count === MOST_AT_ONCE) return true
    message = next(libc, fd)
  }
  return false
}

// The first poll waits for both. The second one does not wait, and tells whether the pipe was closed.
async function waitFor(libc: Libc, fd: number, wake: number): Promise<boolean> {
  await libc.readable([fd, wake])
  return await libc.readable([wake], 0)
}

/** Makes the kernel add the sender's pid to each message that the socket receives (SO_PASSCRED, unix(7)). */
export const tellSenders = (libc: Libc, fd: number): void =>
  libc.setsockopt(fd, SOL_SOCKET, SO_PASSCRED, int32(1))

function next(libc: Libc, fd: number): Notification | undefined {
  try {
    const sizes = { bytes: LONGEST_NOTIFICATION, control: controlSize(MOST_FDS) }
    const { bytes, control } = libc.receiveMessage(fd, sizes, MSG_DONTWAIT)
    const { pid, fds } = readAncillary(control)
    // The kernel writes 0 for a process that has no pid here.
    return { pid: pid === 0 ? undefined : pid, fields: parseFields(bytes), fds }
  } catch (error) {
    const { errno } = error as SocketPortError
    if (errno === EINTR) return next(libc, fd)
    if (errno === EAGAIN) return undefined
    throw error
  }
}
