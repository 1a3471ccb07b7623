import { randomInt } from 'node:crypto'
import { closeSync, readFileSync, rmSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { check, libc } from './libc.ts'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  bind,
  inetAddress,
  type OpenFd,
  once,
  openFd,
  SOCK_STREAM,
  setFlag,
  unixAddress,
} from './sockets.ts'

const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_REUSEPORT = 15
const IPPROTO_TCP = 6
const TCP_INFO = 11
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26

export interface ListenerOptions {
  /** An IP address. @default '::' */
  host?: string
  /** @default 0 */
  port?: number
  /** @default 4096 */
  backlog?: number
  /** @default false */
  ipv6Only?: boolean
  /** @default false */
  reusePort?: boolean
  /** A unix socket instead of TCP; `@name` is abstract. */
  path?: string
}

/** A listening socket on which no process accepts yet. */
export interface Listener extends OpenFd {
  /** 0 for a unix socket. */
  readonly port: number
  readonly path?: string
}

/**
 * Opens a listening, close-on-exec socket as a socket manager does. It never accepts; a `net.Server` would.
 */
export function openListener(options: ListenerOptions = {}): Listener {
  const { host = '::', port = 0, backlog = 4096, path } = options
  const family = path !== undefined ? AF_UNIX : isIPv4(host) ? AF_INET : AF_INET6
  const fd = openFd(family, SOCK_STREAM)
  try {
    if (family !== AF_UNIX) setFlag(fd, SOL_SOCKET, SO_REUSEADDR, true)
    if (family === AF_INET6) setFlag(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only ?? false)
    if (options.reusePort) setFlag(fd, SOL_SOCKET, SO_REUSEPORT, true)
    bind(fd, path !== undefined ? unixAddress(path) : inetAddress(family, host, port))
    check('listen', libc.listen(fd, backlog))
  } catch (error) {
    closeSync(fd)
    throw error
  }
  const close = once(() => {
    closeSync(fd)
    if (path !== undefined && !path.startsWith('@')) rmSync(path, { force: true })
  })
  return path === undefined ? { fd, port: boundPort(fd), close } : { fd, port: 0, path, close }
}

/**
 * Returns a TCP port that was free a moment ago, for servers that bind it themselves. The kernel
 * never gives it to a program that asks for any free port: it is below net.ipv4.ip_local_port_range.
 * No other call in this run of the tests returns it before its server has bound it.
 */
export function freePort(host = '::'): number {
  const { VITEST_POOL_ID = '0' } = process.env
  const share = Number(VITEST_POOL_ID) % SHARES
  for (;;) {
    const slots = Math.floor((lowestEphemeralPort() - LOWEST_FREE_PORT) / SHARES)
    const port = LOWEST_FREE_PORT + SHARES * randomInt(slots) + share
    if (returned.has(port)) continue
    try {
      openListener({ host, port }).close()
      returned.add(port)
      return port
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

const LOWEST_FREE_PORT = 10_000
// Test files run side by side, each in a process of its own: each of up to eight takes every eighth port.
const SHARES = 8
const returned = new Set<number>()

const lowestEphemeralPort = (): number =>
  Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)

/** The `backlog` of a TCP listener, as the kernel keeps it. */
export function listenerBacklog(fd: number): number {
  return tcpInfo(fd).readUInt32LE(28)
}

/** How many connections wait in the accept queue of a TCP listener. */
export function listenerQueue(fd: number): number {
  return tcpInfo(fd).readUInt32LE(24)
}

/** Of a listener, `tcpi_unacked` (24) is the queue's length and `tcpi_sacked` (28) its limit. */
function tcpInfo(fd: number): Buffer {
  const info = Buffer.alloc(104)
  check('getsockopt', libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, [info.length]))
  return info
}

function boundPort(fd: number): number {
  const address = Buffer.alloc(28)
  check('getsockname', libc.getsockname(fd, address, [address.length]))
  return address.readUInt16BE(2)
}
