import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  closeAll,
  descriptors,
  onClose,
  openClient,
  openServer,
  openUdp,
  temporaryDirectory,
} from '../testing/real-sockets.ts'
import { problemOf, type SocketFacts } from './facts.ts'
import { loadLibc } from './libc.ts'
import { nativeSystem } from './native.ts'
import { plainSystem } from './plain.ts'

afterEach(closeAll)

describe('without native code', () => {
  it('a socket cannot be duplicated, and is not changed', async () => {
    const { fd } = await openServer({ host: '127.0.0.1', port: 0 })
    const before = descriptors()
    expect(plainSystem.duplicate(fd)).toBeUndefined()
    plainSystem.setCloseOnExec(fd)
    expect(plainSystem.pidfdInode()).toBeUndefined()
    expect(descriptors()).toEqual(before)
  })
})

// As on macOS, or where --permission forbids to read /proc.
vi.mock(import('../proc/sockets.ts'), async (original) => ({
  ...(await original()),
  readSockets: () => undefined,
}))

describe(...requireOrSkip('without /proc', linuxSkipReason()), () => {
  /** The same socket under a number that Node does not know, as an inherited one has. */
  const unknown = (fd: number): number => nativeSystem(loadLibc()).duplicate(fd) ?? -1

  const none: SocketFacts = {
    family: undefined,
    stream: false,
    listening: false,
    address: undefined,
    port: undefined,
    path: undefined,
    ipv6Only: undefined,
    backlog: undefined,
    queueLength: undefined,
  }

  it.each([
    ['127.0.0.1', 'IPv4'],
    ['::1', 'IPv6'],
  ])(
    'Node knows the address of a socket at %s, which can still be served',
    async (host, family) => {
      const { server: other, fd: known } = await openServer({ host, port: 0 })
      const fd = unknown(known)
      await new Promise((closed) => other.close(closed))
      const facts = plainSystem.describe(fd)
      const server = createServer((connection) => connection.end('served')).listen({ fd })
      await once(server, 'listening')
      onClose(() => new Promise((closed) => server.close(closed)))
      const { port } = server.address() as AddressInfo
      expect(facts).toEqual({ ...none, stream: true, listening: true, family, address: host, port })
    },
  )

  it('Node tells a connection from a listening socket', async () => {
    const { server } = await openServer({ host: '127.0.0.1', port: 0 })
    const { socket, fd } = await openClient(server.address() as AddressInfo)
    const expected = { ...none, stream: true, family: 'IPv4', address: '127.0.0.1' }
    expect(plainSystem.describe(unknown(fd))).toEqual({ ...expected, port: socket.localPort })
  })

  it('Node knows nothing about a socket that is not TCP', async () => {
    const { fd: udp } = await openUdp()
    const { fd: unix } = await openServer({ path: join(temporaryDirectory(), 'app.sock') })
    for (const fd of [udp, unix]) {
      expect(plainSystem.describe(fd)).toEqual(none)
      expect(problemOf(none)).toBe('is a socket, but neither TCP nor a unix socket')
    }
  })
})
