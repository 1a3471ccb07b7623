import { check, libc } from './libc.ts'

export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
/** O_CLOEXEC, EFD_CLOEXEC and SOCK_CLOEXEC have the same value. */
export const CLOEXEC = 0o2000000

/** An fd that this process holds a copy of. */
export interface OpenFd {
  readonly fd: number
  /** Closes this process's copy; safe to call twice. */
  close(): void
}

/** Opens a close-on-exec socket. */
export function openFd(family: number, type: number): number {
  return check('socket', libc.socket(family, type | CLOEXEC, 0))
}

export function bind(fd: number, address: Buffer): void {
  check('bind', libc.bind(fd, address, address.length))
}

export function connect(fd: number, address: Buffer): void {
  check('connect', libc.connect(fd, address, address.length))
}

export function setFlag(fd: number, level: number, name: number, on: boolean): void {
  const value = Buffer.alloc(4)
  value.writeInt32LE(on ? 1 : 0)
  check('setsockopt', libc.setsockopt(fd, level, name, value, value.length))
}

/** `sockaddr_in` and `sockaddr_in6`: family, port in network order, the address at 4 or at 8. */
export function inetAddress(family: number, host: string, port: number): Buffer {
  const [size, start, length] = family === AF_INET ? [16, 4, 4] : [28, 8, 16]
  const bytes = Buffer.alloc(16)
  if (libc.inet_pton(family, host, bytes) !== 1) throw new Error(`not an IP address: "${host}"`)
  const address = Buffer.alloc(size)
  address.writeUInt16LE(family, 0)
  address.writeUInt16BE(port, 2)
  bytes.copy(address, start, 0, length)
  return address
}

/** `sockaddr_un`: a path ends with a zero byte, an abstract name starts with one. */
export function unixAddress(path: string): Buffer {
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`
  const address = Buffer.concat([Buffer.alloc(2), Buffer.from(name)])
  address.writeUInt16LE(AF_UNIX, 0)
  return address
}

/** Returns a function that closes once: a second call does nothing. */
export function once(close: () => void): () => void {
  let open = true
  return () => {
    if (open) close()
    open = false
  }
}
