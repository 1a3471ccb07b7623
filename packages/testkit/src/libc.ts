import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'

/** The calls of libc that a socket manager makes and that Node does not offer. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: number[]): number
  bind(fd: number, address: Buffer, length: number): number
  listen(fd: number, backlog: number): number
  connect(fd: number, address: Buffer, length: number): number
  getsockname(fd: number, address: Buffer, length: number[]): number
  inet_pton(family: number, text: string, address: Buffer): number
  pipe2(fds: Buffer, flags: number): number
  eventfd(count: number, flags: number): number
  /** syscall(2), for pidfd_open(2): glibc before 2.36 has no function for that. */
  syscall(number: number, pid: number, flags: number): number
  poll: Asynchronous<(fds: Buffer, count: number, timeout: number) => number>
}

/** A call that can run in another thread. */
interface Asynchronous<F extends (...args: never[]) => number> {
  (...args: Parameters<F>): number
  async(...args: [...Parameters<F>, (error: Error | null, result: number) => void]): void
}

interface Koffi {
  load(path: null): { func<F>(declaration: string): F }
  errno(): number
}

const koffi: Koffi = createRequire(import.meta.url)(`@koromix/koffi-linux-${process.arch}`)
const c = koffi.load(null)

export const libc: Libc = {
  socket: c.func('int socket(int domain, int type, int protocol)'),
  setsockopt: c.func(
    'int setsockopt(int fd, int level, int name, uint8_t *value, uint32_t length)',
  ),
  getsockopt: c.func(
    'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  ),
  bind: c.func('int bind(int fd, uint8_t *address, uint32_t length)'),
  listen: c.func('int listen(int fd, int backlog)'),
  connect: c.func('int connect(int fd, uint8_t *address, uint32_t length)'),
  getsockname: c.func('int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length)'),
  inet_pton: c.func('int inet_pton(int family, str text, _Out_ uint8_t *address)'),
  pipe2: c.func('int pipe2(_Out_ uint8_t *fds, int flags)'),
  eventfd: c.func('int eventfd(unsigned int count, int flags)'),
  syscall: c.func('long syscall(long number, int pid, unsigned int flags)'),
  poll: c.func('int poll(uint8_t *fds, unsigned long count, int timeout)'),
}

/** Returns what the call returned, or throws an error with the call's errno as its `code`. */
export function check(syscall: string, result: number): number {
  // Read errno first: any call in between changes it.
  const errno = koffi.errno()
  if (result !== -1) return result
  const code = getSystemErrorName(-errno)
  throw Object.assign(new Error(`${syscall}: ${code}`), { code, errno: -errno, syscall })
}
