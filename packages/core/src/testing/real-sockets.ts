import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { connect, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const cleanups: (() => unknown)[] = []

/** Closes everything that was opened here: for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** Runs when everything is closed, the newest first. */
export function onClose(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** Returns the path of a new directory. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  onClose(() => rmSync(directory, { recursive: true }))
  return directory
}

/** Opens a listening server that Node knows all about. */
export async function openServer(options: ListenOptions): Promise<{ server: Server; fd: number }> {
  const server = createServer((connection) => connection.destroy()).listen(options)
  await once(server, 'listening')
  onClose(() => new Promise((closed) => server.close(closed)))
  return { server, fd: fdOf(server) }
}

/** Opens a client connection. */
export async function openClient(to: { port: number } | { path: string }): Promise<{
  socket: Socket
  fd: number
}> {
  const socket = connect('port' in to ? { ...to, host: '127.0.0.1' } : to)
  await once(socket, 'connect')
  onClose(() => socket.destroy())
  return { socket, fd: fdOf(socket) }
}

/** Opens a UDP socket; Node does not show its descriptor, but no other socket is new. */
export async function openUdp(): Promise<{ fd: number; port: number }> {
  const before = new Set(descriptors('socket:'))
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onClose(() => new Promise<void>((closed) => socket.close(closed)))
  const [fd = -1] = descriptors('socket:').filter((open) => !before.has(open))
  return { fd, port: socket.address().port }
}

/** The open descriptors of this process whose link in /proc starts with `kind`. */
export function descriptors(kind = ''): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => linkOf(fd)?.startsWith(kind))
}

/** What a descriptor refers to, as /proc shows it; undefined if it is not open. */
export function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

/** Whether a program that this process executes will not get the descriptor. */
export function isCloseOnExec(fd: number): boolean {
  const [, flags = ''] =
    /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0
}

function fdOf(owner: Server | Socket): number {
  const handle: unknown = Reflect.get(owner, '_handle')
  return Reflect.get(handle as object, 'fd') as number
}
