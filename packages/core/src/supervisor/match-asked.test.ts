import { closeSync } from 'node:fs'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bindFd } from '../listen/bind-fd.ts'
import { storeName } from '../listen/fd-name.ts'
import { describeFd } from './describe-fd.ts'
import { matchAsked, type PassedSocket } from './match-asked.ts'

const sockets: PassedSocket[] = []
const ports: number[] = []
beforeAll(async () => {
  for (const name of ['web', storeName('admin', '127.0.0.1:1'), 'socket-port/connections']) {
    const fd = await bindFd({ port: 0, host: '127.0.0.1' })
    const facts = describeFd(fd)
    sockets.push({ fd, name })
    ports.push(typeof facts === 'string' ? 0 : (facts.port ?? 0))
  }
})
afterAll(() => sockets.forEach(({ fd }) => void closeSync(fd)))

const request = {
  port: 0,
  portGiven: false,
  host: undefined,
  path: undefined,
  name: undefined,
  ipv6Only: false,
  take: 'exact',
} as const

const free = (): boolean => true

describe(...requireOrSkip('matchAsked', linuxSkipReason()), () => {
  it('exact: by port and host', () => {
    const [web, admin] = sockets
    const [port = 0, other = 0] = ports
    expect(matchAsked({ ...request, port, portGiven: true }, sockets, free)).toBe(web)
    const local = { ...request, port: other, portGiven: true, host: '127.0.0.1' }
    expect(matchAsked(local, sockets, free)).toBe(admin)
    const elsewhere = { ...request, port, portGiven: true, host: '127.0.0.2' }
    expect(matchAsked(elsewhere, sockets, free)).toEqual({
      kept: ports.map((each) => `127.0.0.1:${each}`),
    })
    expect(matchAsked(request, sockets.slice(0, 1), free)).toMatchObject({
      kept: [expect.any(String)],
    })
  })

  it('fitting: by name; the only socket fits everything but port 0', () => {
    const [web, admin] = sockets
    const fitting = { ...request, take: 'fitting' } as const
    expect(matchAsked({ ...fitting, name: 'web' }, sockets, free)).toBe(web)
    // By the name that was asked for, not by the one of the store.
    expect(matchAsked({ ...fitting, name: 'admin' }, sockets, free)).toBe(admin)
    expect(
      matchAsked({ ...fitting, port: 1, portGiven: true }, [sockets[0] as PassedSocket], free),
    ).toBe(web)
    expect(
      matchAsked({ ...fitting, portGiven: true }, [sockets[0] as PassedSocket], free),
    ).toHaveProperty('kept')
  })

  it('first: a socket that no process has', () => {
    const [web, admin] = sockets
    const first = { ...request, port: 1, portGiven: true, take: 'first' } as const
    expect(matchAsked(first, sockets, free)).toBe(web)
    expect(matchAsked(first, sockets, (socket) => socket !== web)).toBe(admin)
    expect(matchAsked(first, sockets, () => false)).toHaveProperty('kept')
    const [, port = 0] = ports
    expect(matchAsked({ ...first, port, host: '127.0.0.1' }, sockets, free)).toBe(admin)
  })
})
