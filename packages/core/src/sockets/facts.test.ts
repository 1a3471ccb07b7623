import { closeSync, constants, openSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import {
  closeAll,
  descriptors,
  onClose,
  openClient,
  openServer,
  openUdp,
  temporaryDirectory,
} from '../testing/real-sockets.ts'
import { problemOf, type SocketFacts, type SocketSystem } from './facts.ts'
import { type Libc, loadLibc } from './libc.ts'
import { nativeSystem } from './native.ts'
import { plainSystem } from './plain.ts'

const linux = process.platform === 'linux'
const libc = linux ? loadLibc() : ({} as Libc)
const system = nativeSystem(libc)

function facts(fd: number, from: SocketSystem = system): SocketFacts {
  const found = from.describe(fd)
  if (typeof found === 'string') throw new Error(`fd ${fd} ${found}`)
  return found
}

/** What is left of a fact where no native code can be used. */
const plainly = (native: SocketFacts): SocketFacts => ({
  ...native,
  ipv6Only: undefined,
  backlog: undefined,
  // Only that of TCP is in /proc.
  queueLength: native.family === 'unix' ? undefined : native.queueLength,
})

const portOf = (server: Server): number => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP server')
  return address.port
}

afterEach(closeAll)

describe(...requireOrSkip('a listening socket', linuxSkipReason()), () => {
  const tcp = { stream: true, listening: true, path: undefined, backlog: 77, queueLength: 0 }

  it.each([
    ['0.0.0.0', false, { family: 'IPv4', ipv6Only: undefined }],
    ['127.0.0.1', false, { family: 'IPv4', ipv6Only: undefined }],
    ['::', false, { family: 'IPv6', ipv6Only: false }],
    ['::', true, { family: 'IPv6', ipv6Only: true }],
    ['::1', true, { family: 'IPv6', ipv6Only: true }],
  ])(
    'at %s, ipv6Only %s, is described with and without native code',
    async (host, ipv6Only, expected) => {
      const { server, fd } = await openServer({ host, port: 0, ipv6Only, backlog: 77 })
      expect(facts(fd)).toEqual({ ...tcp, ...expected, address: host, port: portOf(server) })
      expect(facts(fd, plainSystem)).toEqual(plainly(facts(fd)))
      expect(problemOf(facts(fd))).toBeUndefined()
    },
  )

  it.each([
    ['a path', () => join(temporaryDirectory(), 'app.sock')],
    ['an abstract name', () => `\0socket-port-test-${process.pid}`],
  ])('at %s is known with and without native code', async (_, makePath) => {
    const path = makePath()
    const { fd } = await openServer({ path, backlog: 77 })
    expect(facts(fd)).toEqual({
      family: 'unix',
      stream: true,
      listening: true,
      address: undefined,
      port: undefined,
      path: path.replace('\0', '@'),
      ipv6Only: undefined,
      backlog: 77,
      queueLength: 0,
    })
    expect(facts(fd, plainSystem)).toEqual(plainly(facts(fd)))
  })
})

describe(...requireOrSkip('the accept queue', linuxSkipReason()), () => {
  /** The server's socket without the server: no process accepts on it any more. */
  async function unaccepted(
    options: { host: string; port: 0 } | { path: string },
  ): Promise<number> {
    const { server, fd } = await openServer({ ...options, backlog: 50 })
    const duplicate = system.duplicate(fd)
    if (duplicate === undefined) throw new Error('no duplicate')
    onClose(() => closeSync(duplicate))
    await new Promise((closed) => server.close(closed))
    return duplicate
  }

  it('of TCP is counted', async () => {
    const fd = await unaccepted({ host: '127.0.0.1', port: 0 })
    const { port } = facts(fd)
    for (const waiting of [1, 2, 3]) {
      await openClient({ port: port ?? 0 })
      expect(facts(fd)).toMatchObject({ backlog: 50, queueLength: waiting })
      expect(facts(fd, plainSystem)).toMatchObject({ backlog: undefined, queueLength: waiting })
    }
  })

  it('of a unix socket is counted, natively', async () => {
    const path = `\0socket-port-queue-${process.pid}`
    const fd = await unaccepted({ path })
    for (const waiting of [1, 2, 3]) {
      await openClient({ path })
      expect(facts(fd)).toMatchObject({ backlog: 50, queueLength: waiting })
      expect(facts(fd, plainSystem)).toMatchObject({ backlog: undefined, queueLength: undefined })
    }
  })
})

describe(...requireOrSkip('what cannot be served', linuxSkipReason()), () => {
  const unusable = (fd: number): (string | undefined)[] =>
    [system, plainSystem].map((which) => {
      const found = which.describe(fd)
      return typeof found === 'string' ? found : problemOf(found)
    })

  it('is a connection', async () => {
    const { server } = await openServer({ host: '127.0.0.1', port: 0 })
    const { fd } = await openClient({ port: portOf(server) })
    expect(unusable(fd)).toEqual(Array(2).fill('is a stream socket that does not listen'))
    expect(facts(fd)).toMatchObject({
      listening: false,
      backlog: undefined,
      queueLength: undefined,
    })
    expect(facts(fd, plainSystem)).toEqual(plainly(facts(fd)))
  })

  it('is a UDP socket', async () => {
    const { fd, port } = await openUdp()
    expect(facts(fd)).toMatchObject({ family: 'IPv4', stream: false, address: '127.0.0.1', port })
    expect(unusable(fd)).toEqual([
      'is a datagram socket, not a stream socket',
      'is a socket, but neither TCP nor a unix socket',
    ])
  })

  it('is a socket that was never bound', () => {
    const fd = libc.socket(2, 1 | 0o2000000, 0)
    onClose(() => closeSync(fd))
    expect(unusable(fd)).toEqual([
      'is a stream socket that does not listen',
      'is a socket, but neither TCP nor a unix socket',
    ])
  })

  it.each([
    ['a file', () => openSync(import.meta.filename, 'r'), 'is a file, not a socket'],
    ['a directory', () => openSync('/', 'r'), 'is a directory, not a socket'],
    ['a device', () => openSync('/dev/null', 'r'), 'is a device, not a socket'],
  ])('is %s', (_, open, problem) => {
    const fd = open()
    onClose(() => closeSync(fd))
    expect(unusable(fd)).toEqual([problem, problem])
  })

  it("is Node's own", () => {
    // libuv passes signals to its loop through a pipe, and waits in an epoll.
    const [pipe = -1] = descriptors('pipe:')
    const [epoll = -1] = descriptors('anon_inode:[eventpoll]')
    expect(unusable(pipe)).toEqual(Array(2).fill('is a pipe, not a socket'))
    expect(unusable(epoll)).toEqual(Array(2).fill('is not a socket'))
  })

  it('is not open', () => {
    const fd = openSync('/', 'r')
    closeSync(fd)
    expect(unusable(fd)).toEqual(Array(2).fill('is not open'))
    expect(unusable(1_000_000)).toEqual(Array(2).fill('is not open'))
  })

  it('is an O_PATH descriptor of a socket file, on which no socket call works', async () => {
    const path = join(temporaryDirectory(), 'app.sock')
    await openServer({ path })
    const O_PATH = 0o10000000
    const fd = openSync(path, constants.O_RDONLY | O_PATH)
    onClose(() => closeSync(fd))
    expect(unusable(fd)).toEqual([
      'cannot be examined (getsockname: errno 9)',
      'is a socket, but neither TCP nor a unix socket',
    ])
  })
})

describe(...requireOrSkip('describe', linuxSkipReason()), () => {
  it('leaves nothing open, native or not', async () => {
    const { fd } = await openServer({ host: '127.0.0.1', port: 0 })
    const { fd: unix } = await openServer({ path: join(temporaryDirectory(), 'app.sock') })
    const before = descriptors()
    for (const which of [system, plainSystem]) for (const each of [fd, unix]) which.describe(each)
    expect(descriptors()).toEqual(before)
  })
})
