import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import type { AnyServer } from '../base/types.ts'
import { isEncrypted } from './tls-socket.ts'

/** Node's handle of a connection: its descriptor, and how to stop and start reading. */
export interface OpenHandle {
  readonly fd: number
  readStop(): void
  readStart(): void
}

interface TcpHandle extends OpenHandle {
  /** False while Node itself has stopped reading. */
  reading?: boolean
  writeQueueSize?: number
  // TCP handles have it, pipes do not.
  getpeername?(address: object): number
}

interface ListenHandle {
  /** Absent in a cluster worker whose primary has the socket. */
  fd?: number
  onconnection?(error: number, handle: unknown): void
}

const handleOf = (owner: Socket | AnyServer): unknown =>
  (owner as { _handle?: unknown })._handle ?? undefined

function tcpHandle(socket: Socket): TcpHandle | undefined {
  const handle = handleOf(socket) as TcpHandle | undefined
  const isPlain = handle?.getpeername !== undefined && !isEncrypted(socket)
  return isPlain && handle.fd >= 0 && socket.writable ? handle : undefined
}

/** The handle of an open TCP connection without TLS. */
export const plainHandle = (socket: Socket): OpenHandle | undefined => tcpHandle(socket)

/** True for an open TCP connection without TLS. */
export const isPlainTcp = (socket: Socket): boolean => tcpHandle(socket) !== undefined

/** The handle of an open TCP connection without TLS, if this process holds no unsent or unread bytes of it. */
export function quietHandle(socket: Socket): OpenHandle | undefined {
  const handle = tcpHandle(socket)
  const { readableLength, writableLength } = socket
  const held = readableLength + writableLength + (handle?.writeQueueSize ?? 0)
  return held === 0 ? handle : undefined
}

/** Stops reading below Node's streams, which notice nothing: what arrives waits in the kernel. */
export const pauseReading = (socket: Socket): void => tcpHandle(socket)?.readStop()

export function resumeReading(socket: Socket): void {
  const handle = tcpHandle(socket)
  if (handle?.reading !== false) handle?.readStart()
}

/** What Node has read of a connection, and the program has not: a copy. */
export function unreadBytes(socket: Socket): Buffer {
  const { _readableState: state } = socket as unknown as { _readableState: ReadableState }
  const { buffer, bufferIndex = 0 } = state
  // A list in Node 20, an array with an index from 22 on.
  const chunks = Array.isArray(buffer) ? buffer.slice(bufferIndex) : [...buffer]
  return Buffer.concat(chunks)
}

interface ReadableState {
  buffer: Iterable<Buffer>
  bufferIndex?: number
}

/** Whether the kernel has taken all that was written to a connection or a response. */
export function isFlushed({ writableLength, writableCorked }: Writable, socket: Socket): boolean {
  return writableLength + writableCorked + (tcpHandle(socket)?.writeQueueSize ?? 0) === 0
}

/** The descriptor of a connection, -1 if it has none any more. */
export const descriptorOf = (socket: Socket): number =>
  (handleOf(socket) as { fd?: number } | undefined)?.fd ?? -1

/** What Node has below a server that listens. */
export const listeningHandle = (server: AnyServer): ListenHandle | undefined =>
  handleOf(server) as ListenHandle | undefined

/** Whether the options of `server.listen` name a handle of Node's to listen on. */
export const namesHandle = (options: object): boolean => '_handle' in options || 'handle' in options
