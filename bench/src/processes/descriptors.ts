// Measures what it costs to pass connections without socket-port: the bare system calls, and the time of Node for a socket. So
// it writes the calls and their constants out itself.
import { closeSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { stopwatch, type Took } from './stopwatch.ts'

export type DescriptorsQuestion =
  /** Take the descriptors of all open connections. */
  | 'take'
  /** Pass them to this process itself, and then to a server. */
  | 'pass'

export interface DescriptorsAnswer {
  readonly port: number
  readonly descriptors: number
  readonly send: Took
  readonly close: Took
  readonly receive: Took
  /** Makes a socket of each, and gives it to an http.Server. */
  readonly open: Took
  /** Destroys these sockets, while their connections have other descriptors. */
  readonly destroy: Took
}

type Costs = Omit<DescriptorsAnswer, 'port' | 'descriptors'>

interface Koffi {
  load(library: null): {
    func(prototype: string): NativeFunction
    func(name: string, result: string, parameters: unknown[]): NativeFunction
  }
  struct(fields: Record<string, unknown>): unknown
  pointer(type: unknown): unknown
}
type NativeFunction = (...args: unknown[]) => number | bigint

const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2000000 | 0o4000
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SCM_RIGHTS = 1
const MSG_CMSG_CLOEXEC = 0x40000000
// SCM_MAX_FD of unix(7): what one message carries.
const BATCH = 253
// struct cmsghdr on 64 bits: a size_t, level and type.
const HEADER = 16

const koffi = createRequire(import.meta.url)('@koromix/koffi-linux-x64') as Koffi
const c = koffi.load(null)
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
const socketpair = c.func('int socketpair(int domain, int type, int protocol, _Out_ int *fds)')
const setsockopt = c.func('int setsockopt(int fd, int level, int name, uint8_t *v, uint32_t n)')
const sendmsg = c.func('sendmsg', 'int64_t', ['int', koffi.pointer(msghdr), 'int'])
const recvmsg = c.func('recvmsg', 'int64_t', ['int', koffi.pointer(msghdr), 'int'])

const ends = [-1, -1]
check(socketpair(AF_UNIX, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0, ends))
const [near = -1, far = -1] = ends
const size = Buffer.alloc(4)
size.writeInt32LE(4 * 1024 * 1024)
check(setsockopt(near, SOL_SOCKET, SO_SNDBUF, size, size.length))

const NO: Took = { wall: 0, cpu: 0 }
const NOTHING: Costs = { send: NO, close: NO, receive: NO, open: NO, destroy: NO }
const sockets = new Set<Socket>()
let descriptors: number[] = []
const server = createServer((socket) => {
  sockets.add(socket)
  socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
})
server.listen(0, '127.0.0.1', () => answer())

process.on('message', async (question: DescriptorsQuestion) => {
  if (question === 'pass') return answer({ ...pass(), ...(await serve()) })
  await take()
  answer()
})
process.on('disconnect', () => process.exit())

/** Takes the descriptors from Node's event loop, whose own bookkeeping is no part of the system calls. */
async function take(): Promise<void> {
  const taken = [...sockets]
  const messages = batches(
    taken.map((socket) => (socket as { _handle?: { fd: number } })._handle?.fd ?? -1),
  )
  for (const fds of messages) sendFds(fds)
  await destroy(taken)
  descriptors = messages.flatMap(({ length }) => receiveFds(length))
}

async function serve(): Promise<Pick<Costs, 'open' | 'destroy'>> {
  for (const fds of batches(descriptors)) sendFds(fds)
  const http = createHttpServer()
  const lap = stopwatch()
  // As its documentation says: "explicitly emitted by users to inject connections".
  const served = descriptors.map((fd) => new Socket({ fd }))
  for (const socket of served) http.emit('connection', socket)
  const open = lap()
  await destroy(served)
  return { open, destroy: lap() }
}

async function destroy(open: readonly Socket[]): Promise<void> {
  const closed = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
  for (const socket of open) socket.destroy()
  await Promise.all(closed)
}

function pass(): Pick<Costs, 'send' | 'close' | 'receive'> {
  const messages = batches(descriptors)
  const lap = stopwatch()
  for (const fds of messages) sendFds(fds)
  const send = lap()
  for (const fd of descriptors) closeSync(fd)
  const close = lap()
  descriptors = messages.flatMap(({ length }) => receiveFds(length))
  return { send, close, receive: lap() }
}

function batches(fds: readonly number[]): number[][] {
  const all: number[][] = []
  for (let at = 0; at < fds.length; at += BATCH) all.push(fds.slice(at, at + BATCH))
  return all
}

function sendFds(fds: readonly number[]): void {
  const control = Buffer.alloc(controlSize(fds.length))
  control.writeBigUInt64LE(BigInt(HEADER + 4 * fds.length))
  control.writeInt32LE(SOL_SOCKET, 8)
  control.writeInt32LE(SCM_RIGHTS, 12)
  new Int32Array(control.buffer, control.byteOffset + HEADER, fds.length).set(fds)
  check(sendmsg(near, header(control), 0))
}

function receiveFds(count: number): number[] {
  const control = Buffer.alloc(controlSize(count))
  check(recvmsg(far, header(control), MSG_CMSG_CLOEXEC))
  return [...new Int32Array(control.buffer, control.byteOffset + HEADER, count)]
}

// CMSG_SPACE of cmsg(3). Buffer.alloc of this size is not from the pool, and so aligned.
function controlSize(fds: number): number {
  return HEADER + Math.ceil((4 * fds) / 8) * 8
}

function header(control: Buffer): object {
  return {
    name: null,
    nameLength: 0,
    vector: [{ base: Buffer.from('!'), length: 1 }],
    vectorLength: 1,
    control,
    controlLength: control.length,
    flags: 0,
  }
}

function check(result: number | bigint): void {
  if (result < 0) throw new Error('a system call failed: are there descriptors enough (ulimit -n)?')
}

function answer(costs: Costs = NOTHING): void {
  const { port } = server.address() as AddressInfo
  const reply: DescriptorsAnswer = { port, descriptors: descriptors.length, ...costs }
  process.send?.(reply)
}
