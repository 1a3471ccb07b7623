import { readFileSync } from 'node:fs'
import { describeFd } from '@socket-port/core/supervisor'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type RunOptions, runDefaults } from './options.ts'
import { closeSockets, inodeOf, type KeptSocket, openSockets } from './sockets.ts'

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
const O_NONBLOCK = 0o4000

const opened: KeptSocket[] = []
afterEach(() => {
  closeSockets(opened.splice(0))
  expect(logger.warn).not.toHaveBeenCalled()
})

async function open(options: Partial<RunOptions>): Promise<KeptSocket[]> {
  const sockets = await openSockets({ ...runDefaults, command: ['x'], ...options }, logger)
  opened.push(...sockets)
  return sockets
}

const portOf = ({ fds: [fd = -1] }: KeptSocket): number | undefined => {
  const facts = describeFd(fd)
  return typeof facts === 'string' ? undefined : facts.port
}

describe(...requireOrSkip('openSockets', linuxSkipReason()), () => {
  it('in the order in which they were asked for, with their names', async () => {
    const listen = [{ port: 0, host: '127.0.0.1', name: 'web' }, { path: '@socket-port-test' }]
    const [web, admin] = await open({ listen, backlog: 77 })
    expect(web).toMatchObject({ name: 'web', inherited: false, fds: [expect.any(Number)] })
    expect(web?.address).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(describeFd(web?.fds[0] ?? -1)).toMatchObject({ backlog: 77, listening: true })
    expect(admin).toMatchObject({ name: 'unknown', address: 'unix:@socket-port-test' })
  })

  it('as systemd passes them: accept(2) waits on them', async () => {
    const [{ fds: [fd = -1] = [] } = {}] = await open({ listen: [{ port: 0 }] })
    const [, flags = ''] =
      /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
    expect(Number.parseInt(flags, 8) & O_NONBLOCK).toBe(0)
  })

  it('a group with one port, a socket for each worker', async () => {
    const options = { listen: [{ port: 0, host: '127.0.0.1' }], workers: 3, reusePort: true }
    const [group] = await open(options)
    const inodes = group?.fds.map(inodeOf)
    expect(new Set(inodes).size).toBe(3)
    const ports = group?.fds.map((fd) => portOf({ ...(group as KeptSocket), fds: [fd] }))
    expect(new Set(ports).size).toBe(1)
  })

  it('one socket for all workers if a group makes no sense', async () => {
    const unix = [{ path: '@socket-port-group' }]
    const [socket] = await open({ listen: unix, workers: 3, reusePort: true })
    expect(socket?.fds).toHaveLength(1)
  })

  it('all or none: exit code 4 if one cannot be opened', async () => {
    const [held] = await open({ listen: [{ port: 0, host: '127.0.0.1' }] })
    const taken = { port: portOf(held as KeptSocket) ?? 0, host: '127.0.0.1' }
    const free = { path: '@socket-port-free' }
    await expect(open({ listen: [free, taken] })).rejects.toMatchObject({
      name: 'CommandError',
      exitCode: 4,
      message: expect.stringContaining('EADDRINUSE'),
    })
    await open({ listen: [free] })
  })
})
