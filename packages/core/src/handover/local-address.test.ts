import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { loadLibc } from '../sockets/libc.ts'
import { closeAll, onClose } from '../testing/real-sockets.ts'
import {
  fit,
  type ListeningAddress,
  type LocalAddress,
  listeningAddress,
  localAddress,
  localAddressText,
} from './local-address.ts'

afterEach(closeAll)

const at = (address: string, more: Partial<LocalAddress> = {}): LocalAddress => ({
  address,
  port: 80,
  scope: 0,
  device: '',
  ...more,
})
const on = (address: string, more: Partial<ListeningAddress> = {}): ListeningAddress => ({
  ...at(address),
  ipv6Only: address.includes(':') ? false : undefined,
  ...more,
})

describe('a listener fits a connection', () => {
  it.each([
    ['of its address', on('127.0.0.1'), at('127.0.0.1'), true],
    ['not of another address', on('127.0.0.1'), at('127.0.0.2'), false],
    ['not of another port', on('127.0.0.1', { port: 81 }), at('127.0.0.1'), false],
    ['of any address of IPv4', on('0.0.0.0'), at('127.0.0.2'), true],
    ['not of IPv6, with the wildcard of IPv4', on('0.0.0.0'), at('::1'), false],
    ['of any address of IPv6', on('::'), at('::1'), true],
    ['of IPv6 alone', on('::', { ipv6Only: true }), at('::1'), true],
    ['of IPv4, with both families', on('::'), at('127.0.0.1'), true],
    ['not of IPv4, with IPv6 alone', on('::', { ipv6Only: true }), at('127.0.0.1'), false],
    [
      'not of IPv4 where it is not known',
      on('::', { ipv6Only: undefined }),
      at('127.0.0.1'),
      false,
    ],
    ['of its interface', on('fe80::1', { scope: 2 }), at('fe80::1', { scope: 2 }), true],
    ['not of another interface', on('fe80::1', { scope: 2 }), at('fe80::1', { scope: 3 }), false],
    ['of its device', on('::', { device: 'eth0' }), at('::1', { device: 'eth0' }), true],
    ['not of another device', on('::', { device: 'eth0' }), at('::1', { device: 'eth1' }), false],
    ['not of an unknown device', on('::', { device: 'eth0' }), at('::1'), false],
    ['of any device', on('::'), at('::1', { device: 'eth1' }), true],
  ])('%s', (_, listener, connection, fits) => {
    expect(fit(listener, connection) > 0).toBe(fits)
  })

  it('better, the more exact its address is', () => {
    const connection = at('127.0.0.1', { device: 'lo' })
    const order = [
      on('::'),
      on('::', { device: 'lo' }),
      on('0.0.0.0'),
      on('0.0.0.0', { device: 'lo' }),
      on('127.0.0.1'),
      on('127.0.0.1', { device: 'lo' }),
    ].map((listener) => fit(listener, connection))
    expect(order).toEqual([...new Set(order)].sort((a, b) => a - b))
  })
})

describe(...requireOrSkip('the local address', linuxSkipReason()), () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.2', '127.0.0.2'],
    ['::', '127.0.0.3', '127.0.0.3'],
    ['::', '::1', '::1'],
    ['::1', '::1', '::1'],
    ['::ffff:127.0.0.1', '127.0.0.1', '127.0.0.1'],
  ])('of a listener on %s, and of a connection to %s, is known', async (host, to, expected) => {
    const server = createServer().listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = connect(port, to)
    const [[socket]] = await Promise.all([once(server, 'connection'), once(client, 'connect')])
    onClose(() => {
      client.destroy()
      socket.destroy()
      server.close()
    })
    const libc = loadLibc()
    const local = localAddress(libc, fdOf(socket))
    expect(local).toEqual({ address: expected, port, scope: 0, device: '' })
    const listener = listeningAddress(libc, fdOf(server))
    expect(fit(listener as ListeningAddress, local as LocalAddress)).toBeGreaterThan(0)
  })

  it('of a unix socket is undefined', async () => {
    const server = createServer().listen('\0socket-port-local-address')
    await once(server, 'listening')
    onClose(() => server.close())
    expect(listeningAddress(loadLibc(), fdOf(server))).toBeUndefined()
  })

  it('as text has brackets for IPv6', () => {
    expect([at('::1'), at('127.0.0.1')].map(localAddressText)).toEqual(['[::1]:80', '127.0.0.1:80'])
  })
})

const fdOf = (owner: object): number => (owner as Socket & { _handle: { fd: number } })._handle.fd
