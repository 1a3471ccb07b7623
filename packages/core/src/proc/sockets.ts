import { readFileSync, readlinkSync } from 'node:fs'
import { littleEndian } from '../base/endianness.ts'
import { canonicalIPv6 } from '../base/ip-address.ts'

/** One row of the kernel's socket tables, as far as a listener is concerned. */
export interface ProcSocket {
  family: 'IPv4' | 'IPv6' | 'unix'
  type: 'stream' | 'dgram' | 'seqpacket'
  /** The number in `socket:[N]`. The kernel counts sockets in 32 bits, so a JS number holds it. */
  inode: number
  listening: boolean
  /** It has a peer, or had one. */
  connected: boolean
  /** Owner of the socket, which is not always a process that holds it; absent for unix sockets. */
  uid?: number
  address?: string
  port?: number
  /** As it was bound, so perhaps relative to the holder's directory; `@name` when abstract. */
  path?: string
  /** Connections that wait to be accepted, for a listening TCP socket. */
  queueLength?: number
}

const TCP_CLOSE = 0x07
const TCP_LISTEN = 0x0a
const SS_UNCONNECTED = 0x01
const SO_ACCEPTCON = 0x1_0000
const UNIX_TYPES: Readonly<Record<string, ProcSocket['type']>> = {
  '0001': 'stream',
  '0002': 'dgram',
  '0005': 'seqpacket',
}

// "sl: local:port remote:port st tx_queue:rx_queue timer:when retransmits uid timeout inode …"
const TCP_ROW =
  /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) [0-9A-F]+:([0-9A-F]+) \S+ +\S+ +(\d+) +\d+ +(\d+)/

// "address: refcount protocol flags type state inode path"; the address may be masked.
const UNIX_ROW =
  /^\S+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) (\d{4}) ([0-9A-F]{2}) +(\d+)(?: (.*))?$/

/** Returns the sockets listed in the text of `/proc/net/tcp` or `/proc/net/tcp6`. */
export function parseTcp(
  text: string,
  endian: 'LE' | 'BE' = littleEndian ? 'LE' : 'BE',
): ProcSocket[] {
  const known = new Map<string, string>()
  const sockets: ProcSocket[] = []
  for (const line of text.split('\n')) {
    // Connections in TIME_WAIT belong to nobody, and there may be tens of thousands.
    if (line.includes(' 06 ')) continue
    const [, hex, port, st, queue, uid, inode] = TCP_ROW.exec(line) ?? []
    if (hex === undefined || inode === '0') continue
    // A busy server has a thousand rows with one address.
    const address = known.get(hex) ?? formatAddress(hex, endian)
    known.set(hex, address)
    const state = Number(`0x${st}`)
    const listening = state === TCP_LISTEN
    sockets.push({
      family: hex.length === 8 ? 'IPv4' : 'IPv6',
      type: 'stream',
      inode: Number(inode),
      listening,
      connected: !listening && state !== TCP_CLOSE,
      uid: Number(uid),
      address,
      port: Number(`0x${port}`),
      ...(listening && { queueLength: Number(`0x${queue}`) }),
    })
  }
  return sockets
}

/** Returns the sockets listed in the text of `/proc/net/unix`. */
export function parseUnix(text: string): ProcSocket[] {
  const sockets: ProcSocket[] = []
  for (const line of text.replace(/\n$/, '').split('\n').slice(1)) {
    const row = UNIX_ROW.exec(line)
    const last = sockets.at(-1)
    if (row === null) {
      // The kernel prints a path's newlines as they are, so this is the rest of the last path.
      if (last?.path !== undefined) last.path += `\n${line}`
      continue
    }
    const [, flags, type, st, inode, path] = row
    sockets.push({
      family: 'unix',
      type: UNIX_TYPES[type ?? ''] ?? 'stream',
      inode: Number(inode),
      listening: (Number(`0x${flags}`) & SO_ACCEPTCON) !== 0,
      connected: Number(`0x${st}`) !== SS_UNCONNECTED,
      ...(path !== undefined && { path }),
    })
  }
  for (const socket of sockets) {
    if (socket.path !== undefined) socket.path = kernelPath(socket.path)
  }
  return sockets
}

/** Returns a unix path as the rows show it: an abstract `\0name` is `@name`. */
export function kernelPath(path: string): string {
  const shown = path.replaceAll('\0', '@')
  // Node 20 pads an abstract name with NULs up to its full length, so they do not count at its end.
  return shown.startsWith('@') ? `@${shown.slice(1).replace(/@+$/, '')}` : shown
}

/**
 * Returns all TCP and unix sockets of the network namespace of a process; undefined where /proc
 * cannot be read.
 */
export function readSockets(pid: number | 'self' = 'self'): ProcSocket[] | undefined {
  const read = (table: Table): string | undefined => readTable(pid, table)
  const tcp = read('tcp')
  // The only table that every kernel with a network has.
  if (tcp === undefined) return undefined
  return [...parseTcp(tcp), ...parseTcp(read('tcp6') ?? ''), ...parseUnix(read('unix') ?? '')]
}

/** Returns the listening sockets of this network namespace; none where there is no /proc. */
export function listeningSockets(): ProcSocket[] {
  return (readSockets() ?? []).filter((socket) => socket.listening)
}

/** Returns the inode of the socket that a descriptor refers to; undefined if it is no socket, or closed. */
export function socketInode(
  fd: number | string,
  pid: number | 'self' = 'self',
): number | undefined {
  try {
    return inodeOf(readlinkSync(`/proc/${pid}/fd/${fd}`))
  } catch {
    return undefined
  }
}

/** Returns N of the link text `socket:[N]`; undefined for any other text. */
export function inodeOf(link: string): number | undefined {
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
  return inode === undefined ? undefined : Number(inode)
}

// The kernel prints an address as 32-bit words in the order of the machine, each word in hex.
function formatAddress(hex: string, endian: 'LE' | 'BE'): string {
  const bytes = Buffer.from(hex, 'hex')
  if (endian === 'LE') bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  const groups = bytes.toString('hex').match(/.{4}/g) ?? []
  return canonicalIPv6(groups.join(':'))
}

type Table = 'tcp' | 'tcp6' | 'unix'

function readTable(pid: number | 'self', table: Table): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
  } catch {
    return undefined
  }
}
