import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { lsofSystem, parseLsof, parsePs } from './lsof.ts'

afterEach(() => vi.unstubAllEnvs())

describe('parseLsof', () => {
  it('names each socket once for each process', () => {
    const macos =
      'p501\nf12\nd0xa1b2c3d4e5f60718\nf13\nd0xa1b2c3d4e5f60718\nf14\nd0x2\np502\nf3\nd0x2\n'
    expect([...parseLsof(macos).held]).toEqual([
      [501, ['0xa1b2c3d4e5f60718', '0x2']],
      [502, ['0x2']],
    ])
  })

  it('reads where each socket listens', () => {
    const text =
      'p501\nf12\ntIPv4\nd0x1\nn127.0.0.1:80\nf13\ntIPv6\nd0x2\nn[::1]:80\n' +
      'p502\nf3\ntIPv4\nd0x3\nn*:80\nf4\ntIPv6\nd0x4\nn*:80\nf5\ntIPv6\nd0x5\nn[fe80::1]:80\nf6\nd0x6\n'
    expect(Object.fromEntries(parseLsof(text).addresses)).toEqual({
      '0x1': '127.0.0.1',
      '0x2': '::1',
      '0x3': '0.0.0.0',
      '0x4': '::',
      '0x5': 'fe80::1',
      '0x6': undefined,
    })
  })

  it.each(['', 'garbage\n', 'p\n'])('finds nothing in %j', (text) => {
    const { held, addresses } = parseLsof(text)
    expect([...held.values()].flat()).toEqual([])
    expect([...addresses.keys()].filter((socket) => socket !== '')).toEqual([])
  })
})

describe('parsePs', () => {
  it('reads rows of macOS and of Linux', () => {
    const text = `    1     0     0 Sun Nov 22 12:21:54 2026 /sbin/launchd
  501   400   501 Mon Nov  2 09:01:02 2026     node server.js --name a b
`
    expect(parsePs(text)).toEqual([
      {
        pid: 1,
        parent: 0,
        uid: 0,
        startTime: 'Sun Nov 22 12:21:54 2026',
        command: '/sbin/launchd',
      },
      {
        pid: 501,
        parent: 400,
        uid: 501,
        startTime: 'Mon Nov  2 09:01:02 2026',
        command: 'node server.js --name a b',
      },
    ])
  })
})

// Without lsof (not on macOS) this is skipped on a developer's machine, never in CI.
describe(...requireOrSkip('lsof itself', commandSkipReason('lsof')), () => {
  it('finds the process that listens, and none on a closed port', async () => {
    const server = createServer().listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { listeners, holders } = await lsofSystem.look(port)
    expect(listeners).toHaveLength(1)
    expect(holders).toMatchObject([
      { pid: process.pid, uid: process.getuid?.(), sockets: [listeners[0]?.socket] },
    ])
    expect(await lsofSystem.listeners(port)).toEqual(listeners)
    expect(await lsofSystem.startTime(process.pid)).toMatch(/\d\d:\d\d:\d\d \d{4}$/)
    await new Promise((closed) => server.close(closed))
    expect(await lsofSystem.look(port)).toEqual({ listeners: [], holders: [] })
  })

  it('does not report a free port when lsof fails', async () => {
    vi.stubEnv('PATH', '/nonexistent')
    const attempt = lsofSystem.listeners(8080)
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_KILL_FAILED', port: 8080 })
    vi.unstubAllEnvs()
    await expect(lsofSystem.listeners(-1)).rejects.toThrow(/lsof did not run/)
  })

  it('finds the ancestors', async () => {
    expect((await lsofSystem.ancestors())[0]).toBe(process.ppid)
  })
})
