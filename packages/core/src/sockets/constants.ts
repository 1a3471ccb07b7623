import { littleEndian } from '../base/endianness.ts'

export { littleEndian }

/*
 * Numbers of Linux's system calls, from its uapi headers. koffi has binaries for arm, arm64, ia32, loong64, ppc64,
 * riscv64 and x64. A number without a note is the same on all of them, and constants.test.ts compares it with the headers.
 */

/** Bytes of a C `long`, a `size_t` and a pointer. */
export const WORD: 4 | 8 = ['arm', 'ia32'].includes(process.arch) ? 4 : 8

const isPowerPC = process.arch === 'ppc64'

// socket(2)
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const AF_VSOCK = 40
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_SEQPACKET = 5
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000

// socket(7)
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_TYPE = 3
export const SO_SNDBUF = 7
export const SO_REUSEPORT = 15
// PowerPC has numbers of its own for these (its asm/socket.h).
export const SO_PASSCRED: number = isPowerPC ? 20 : 16
export const SO_PEERCRED: number = isPowerPC ? 21 : 17
export const SO_RCVTIMEO: number = isPowerPC ? 18 : 20
export const SO_SNDTIMEO: number = isPowerPC ? 19 : 21
export const SO_BINDTODEVICE = 25
export const SO_ACCEPTCONN = 30
export const SO_DOMAIN = 39
export const SO_PEERPIDFD = 77

// ip(7), ipv6(7), tcp(7)
export const IPPROTO_TCP = 6
export const TCP_INFO = 11
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26

// recv(2), send(2), shutdown(2), cmsg(3)
export const MSG_CTRUNC = 8
export const MSG_TRUNC = 0x20
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const MSG_CMSG_CLOEXEC = 0x40000000
export const SHUT_RD = 0
export const SHUT_RDWR = 2
export const SCM_RIGHTS = 1
export const SCM_CREDENTIALS = 2

// fcntl(2), open(2)
export const F_SETFD = 2
export const F_GETFL = 3
export const F_SETFL = 4
export const FD_CLOEXEC = 1
export const F_DUPFD_CLOEXEC = 1030
export const O_NONBLOCK = 0o4000
export const O_CLOEXEC = 0o2000000

// errno(3)
export const ENOENT = 2
export const ESRCH = 3
export const EINTR = 4
export const EAGAIN = 11
export const EINVAL = 22
export const EACCES = 13
export const ENODEV = 19
export const EPIPE = 32
export const ENOPROTOOPT = 92
export const EPROTONOSUPPORT = 93
export const ESOCKTNOSUPPORT = 94
export const EOPNOTSUPP = 95
export const ENOBUFS = 105
export const ETOOMANYREFS = 109
export const ECONNREFUSED = 111

/** The longest path of a unix socket in bytes: sizeof(sun_path) without its NUL (unix(7)); the BSDs have 104. */
export const LONGEST_UNIX_PATH: number = process.platform === 'linux' ? 107 : 103

/** The longest name of a network interface, with its NUL (netdevice(7)). */
export const IFNAMSIZ = 16

// memfd_create(2).
export const MFD_CLOEXEC = 1
export const MFD_NOEXEC_SEAL = 8

/** A C int in this machine's byte order. */
export function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value, littleEndian)
  return bytes
}

/** Reads a C int; `undefined` where there are fewer than four bytes. */
export function readInt32(bytes: Uint8Array | undefined): number | undefined {
  if (bytes === undefined || bytes.length < 4) return undefined
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, littleEndian)
}

/** A struct timeval of the system calls that are older than 2038: two longs. */
export function timeval(seconds: number, microseconds: number): Uint8Array {
  const bytes = new Uint8Array(2 * WORD)
  const view = new DataView(bytes.buffer)
  for (const [at, value] of [seconds, microseconds].entries()) {
    // The low half of a long of 64 bits; both values fit into it.
    const low = WORD === 8 && !littleEndian ? 4 : 0
    view.setInt32(at * WORD + low, value, littleEndian)
  }
  return bytes
}
