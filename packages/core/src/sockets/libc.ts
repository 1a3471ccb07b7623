import { SocketPortError } from '../base/errors.ts'
import { ENOPROTOOPT, EOPNOTSUPP, MSG_CMSG_CLOEXEC, MSG_NOSIGNAL } from './constants.ts'
import { loadNativeLibrary } from './native-library.ts'

/** The calls of libc that Node has no API for. Each throws ERR_SOCKET_PORT_SYSCALL when it fails. */
export interface Libc {
  fcntl(fd: number, command: number, argument: number): number
  getsockname(fd: number): Uint8Array
  /** The option's value; `undefined` where this socket or kernel does not have it. */
  getsockopt(fd: number, level: number, option: number, size?: number): Uint8Array | undefined
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): void
  socket(domain: number, type: number, protocol: number): number
  socketPair(domain: number, type: number): [number, number]
  /** Makes a pipe; returns its read end and its write end. */
  pipe(flags: number): [number, number]
  /** Makes a file without a name that lives in memory. The name is for people who look into /proc. */
  memfdCreate(name: string, flags: number): number
  bind(fd: number, address: Uint8Array): void
  listen(fd: number, backlog: number): void
  connect(fd: number, address: Uint8Array): void
  shutdown(fd: number, how: number): void
  /** An IP address in network order; `undefined` where the text is not an IP address. */
  addressBytes(family: number, text: string): Uint8Array | undefined
  /** The number of a network interface (if_nametoindex(3)); 0 where there is none of that name. */
  interfaceIndex(name: string): number
  send(fd: number, message: Uint8Array): void
  receive(fd: number, size: number): Uint8Array
  /** sendmsg(2) on a connected socket, with control messages; raises no SIGPIPE. */
  sendMessage(fd: number, message: Message, flags?: number): void
  /** recvmsg(2); what is received is close-on-exec. */
  receiveMessage(fd: number, sizes: { bytes: number; control: number }, flags?: number): Received
  /** Settles when one of the descriptors can be read or has hung up; false where `timeout` (ms) came first. */
  readable(fds: readonly number[], timeout?: number): Promise<boolean>
  pidfdOpen(pid: number): number | undefined
  /** pidfd_send_signal(2); does nothing where the process has ended, or may not be signalled. */
  pidfdSignal(pidfd: number, signal: number): void
  /** waitpid(2) with WNOHANG: true when that child had ended and was collected. */
  reap(pid: number): boolean
}

/** One message of a socket: its bytes, and its control messages (cmsg(3)) as the kernel encodes them. */
export interface Message {
  bytes: Uint8Array
  control: Uint8Array
}

export interface Received extends Message {
  /** The flags that recvmsg(2) set, such as MSG_CTRUNC. */
  flags: number
}

// The part of koffi that this file uses. Its platform packages ship no types.
interface Koffi {
  load(library: null): {
    func(prototype: string): NativeFunction
    func(name: string, result: string, parameters: unknown[]): NativeFunction
  }
  struct(fields: Record<string, unknown>): unknown
  pointer(type: unknown): unknown
  inout(type: unknown): unknown
  errno(): number
}

interface NativeFunction {
  (...args: unknown[]): number
  /** Runs on a thread of libuv's pool. */
  async(...args: [...unknown[], (error: Error | null, result: number) => void]): void
}

const SYS_pidfd_send_signal = 424
const SYS_pidfd_open = 434
const POLLIN = 1
const WNOHANG = 1

let loaded: Libc | undefined

/** Loads libc through koffi, once. Throws where koffi has no binary or native code is not allowed. */
export function loadLibc(): Libc {
  loaded ??= load()
  return loaded
}

/*
 * The platform packages are used directly because `koffi` itself has an install script, at which
 * pnpm stops; they hold the same library.
 */
function load(): Libc {
  const koffi = loadNativeLibrary() as Koffi
  // `null` names the libc that the process itself is linked to, glibc or musl.
  const c = koffi.load(null)
  let memfd_create: NativeFunction | undefined

  const fcntl = c.func('int fcntl(int fd, int command, ...)')
  const getsockname = c.func(
    'int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length)',
  )
  const getsockopt = c.func(
    'int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  )
  const setsockopt = c.func(
    'int setsockopt(int fd, int level, int option, const uint8_t *value, uint32_t length)',
  )
  const socket = c.func('int socket(int domain, int type, int protocol)')
  const socketpair = c.func('int socketpair(int domain, int type, int protocol, _Out_ int *fds)')
  const pipe2 = c.func('int pipe2(_Out_ int *fds, int flags)')
  const bind = c.func('int bind(int fd, const uint8_t *address, uint32_t length)')
  const listen = c.func('int listen(int fd, int backlog)')
  const connect = c.func('int connect(int fd, const uint8_t *address, uint32_t length)')
  const shutdown = c.func('int shutdown(int fd, int how)')
  const inet_pton = c.func('int inet_pton(int family, const char *text, _Out_ uint8_t *address)')
  const if_nametoindex = c.func('unsigned int if_nametoindex(const char *name)')
  // ssize_t, for which koffi has no name, is a long. As int64_t its upper half would be garbage where a long has 32 bits.
  const send = c.func('long send(int fd, const uint8_t *bytes, size_t size, int flags)')
  const recv = c.func('long recv(int fd, _Out_ uint8_t *bytes, size_t size, int flags)')
  // The structs have no names: a name must be unique among all users of koffi in the process.
  const iovec = koffi.struct({ base: 'uint8_t *', length: 'size_t' })
  const msghdr = koffi.struct({
    name: 'uint8_t *',
    nameLength: 'uint32_t',
    vector: koffi.pointer(iovec),
    vectorLength: 'size_t',
    control: 'uint8_t *',
    controlLength: 'size_t',
    flags: 'int',
  })
  const pollfd = koffi.struct({ fd: 'int', events: 'int16_t', revents: 'int16_t' })
  const sendmsg = c.func('sendmsg', 'long', ['int', koffi.pointer(msghdr), 'int'])
  const recvmsg = c.func('recvmsg', 'long', ['int', koffi.inout(koffi.pointer(msghdr)), 'int'])
  const poll = c.func('poll', 'int', [koffi.pointer(pollfd), 'unsigned long', 'int'])
  const syscall = c.func('long syscall(long number, ...)')
  const waitpid = c.func('int waitpid(int pid, _Out_ int *status, int options)')

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
    setsockopt(fd, level, option, value) {
      check('setsockopt', fd, setsockopt(fd, level, option, value, value.length))
    },
    socket: (domain, type, protocol) => check('socket', -1, socket(domain, type, protocol)),
    socketPair(domain, type) {
      const fds: [number, number] = [-1, -1]
      check('socketpair', -1, socketpair(domain, type, 0, fds))
      return fds
    },
    pipe(flags) {
      const fds: [number, number] = [-1, -1]
      check('pipe2', -1, pipe2(fds, flags))
      return fds
    },
    memfdCreate(name, flags) {
      // Since glibc 2.27 and musl 1.1.20.
      memfd_create ??= c.func('int memfd_create(const char *name, unsigned int flags)')
      return check('memfd_create', -1, memfd_create(name, flags))
    },
    bind: (fd, address) => void check('bind', fd, bind(fd, address, address.length)),
    listen: (fd, backlog) => void check('listen', fd, listen(fd, backlog)),
    connect: (fd, address) => void check('connect', fd, connect(fd, address, address.length)),
    shutdown: (fd, how) => void check('shutdown', fd, shutdown(fd, how)),
    addressBytes(family, text) {
      const bytes = new Uint8Array(16)
      return inet_pton(family, text, bytes) === 1 ? bytes : undefined
    },
    interfaceIndex: (name) => if_nametoindex(name),
    send: (fd, message) => void check('send', fd, send(fd, message, message.length, 0)),
    receive(fd, size) {
      const bytes = new Uint8Array(size)
      return bytes.subarray(0, check('recv', fd, recv(fd, bytes, size, 0)))
    },
    sendMessage(fd, message, flags = 0) {
      check('sendmsg', fd, sendmsg(fd, header(message), flags | MSG_NOSIGNAL))
    },
    receiveMessage(fd, sizes, flags = 0) {
      const message = {
        bytes: new Uint8Array(sizes.bytes),
        control: new Uint8Array(sizes.control),
      }
      const filled = header(message)
      const length = check('recvmsg', fd, recvmsg(fd, filled, flags | MSG_CMSG_CLOEXEC))
      return {
        bytes: message.bytes.subarray(0, length),
        control: message.control.subarray(0, Number(filled.controlLength)),
        flags: filled.flags,
      }
    },
    async readable(fds, timeout = -1) {
      const wanted = fds.map((fd) => ({ fd, events: POLLIN, revents: 0 }))
      const ready = await new Promise<number>((resolve, reject) => {
        poll.async(wanted, wanted.length, timeout, (error, result) =>
          error === null ? resolve(result) : reject(error),
        )
      })
      // poll(2) that a signal interrupted counts as ready: the caller reads, finds nothing, and polls again.
      return ready !== 0
    },
    pidfdOpen(pid) {
      const fd = syscall(SYS_pidfd_open, 'int', pid, 'uint', 0)
      return fd < 0 ? undefined : Number(fd)
    },
    pidfdSignal(pidfd, signal) {
      syscall(SYS_pidfd_send_signal, 'int', pidfd, 'int', signal, 'void *', null, 'uint', 0)
    },
    reap: (pid) => waitpid(pid, [0], WNOHANG) === pid,
  }
}

// koffi copies it into a struct msghdr, and writes the lengths that the kernel set back into it.
function header({ bytes, control }: Message): { controlLength: number | bigint; flags: number } {
  const controlLength = control.length
  return {
    name: null,
    nameLength: 0,
    vector: [{ base: bytes, length: bytes.length }],
    vectorLength: 1,
    control: controlLength === 0 ? null : control,
    controlLength,
    flags: 0,
  } as { controlLength: number; flags: number }
}
