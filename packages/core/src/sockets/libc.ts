import { createRequire } from 'node:module'
import { endianness } from 'node:os'
import { SocketPortError } from '../errors.ts'

/** The calls of libc that Node has no API for. Each throws ERR_SOCKET_PORT_SYSCALL when it fails. */
export interface Libc {
  fcntl(fd: number, command: number, argument: number): number
  getsockname(fd: number): Uint8Array
  /** The option's value; `undefined` where this socket or kernel does not have it. */
  getsockopt(fd: number, level: number, option: number, size?: number): Uint8Array | undefined
  socket(domain: number, type: number, protocol: number): number
  send(fd: number, message: Uint8Array): void
  receive(fd: number, size: number): Uint8Array
  pidfdOpen(pid: number): number | undefined
}

// The part of koffi that is used here; it ships no types with its platform packages.
interface Koffi {
  load(library: null): { func(prototype: string): (...args: unknown[]) => number }
  errno(): number
}

const ENOPROTOOPT = 92
const EOPNOTSUPP = 95
const SYS_pidfd_open = 434

/**
 * Loads libc through koffi, or throws where koffi has no binary or native code is not allowed.
 *
 * The platform packages are used directly because `koffi` itself has an install script, at which
 * pnpm stops; they hold the same library. They are loaded with `require`, because `app.listen` of
 * Express and Koa is synchronous.
 */
export function loadLibc(): Libc {
  const require = createRequire(import.meta.url)
  const koffi = require(`@koromix/koffi-${process.platform}-${process.arch}`) as Koffi
  // Under glibc and musl alike, what the process itself is linked to.
  const c = koffi.load(null)

  const fcntl = c.func('int fcntl(int fd, int command, ...)')
  const getsockname = c.func(
    'int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length)',
  )
  const getsockopt = c.func(
    'int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  )
  const socket = c.func('int socket(int domain, int type, int protocol)')
  const send = c.func('int64_t send(int fd, const uint8_t *bytes, size_t size, int flags)')
  const recv = c.func('int64_t recv(int fd, _Out_ uint8_t *bytes, size_t size, int flags)')
  const syscall = c.func('long syscall(long number, ...)')

  // errno must be read before anything else runs: the next system call overwrites it.
  const check = (call: string, fd: number, result: number | bigint): number => {
    if (result >= 0) return Number(result)
    const errno = koffi.errno()
    throw new SocketPortError(
      'ERR_SOCKET_PORT_SYSCALL',
      `${call} failed on fd ${fd} with errno ${errno}; the socket is left as it is`,
      { fd, syscall: call, errno },
    )
  }

  return {
    fcntl: (fd, command, argument) => check('fcntl', fd, fcntl(fd, command, 'int', argument)),
    getsockname(fd) {
      const bytes = new Uint8Array(128)
      const length = [bytes.length]
      check('getsockname', fd, getsockname(fd, bytes, length))
      return bytes.subarray(0, length[0])
    },
    getsockopt(fd, level, option, size = 4) {
      const bytes = new Uint8Array(size)
      const length = [size]
      const result = getsockopt(fd, level, option, bytes, length)
      if (result < 0 && [ENOPROTOOPT, EOPNOTSUPP].includes(koffi.errno())) return undefined
      check('getsockopt', fd, result)
      return bytes.subarray(0, length[0])
    },
    socket: (domain, type, protocol) => check('socket', -1, socket(domain, type, protocol)),
    send: (fd, message) => void check('send', fd, send(fd, message, message.length, 0)),
    receive(fd, size) {
      const bytes = new Uint8Array(size)
      return bytes.subarray(0, check('recv', fd, recv(fd, bytes, size, 0)))
    },
    pidfdOpen(pid) {
      const fd = syscall(SYS_pidfd_open, 'int', pid, 'uint', 0)
      return fd < 0 ? undefined : Number(fd)
    },
  }
}

export const littleEndian: boolean = endianness() === 'LE'
