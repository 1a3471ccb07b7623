import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  freePort,
  type Listener,
  type ListenerOptions,
  openListener,
} from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { portOf, replyFrom, startListening } from './report.ts'

let directory: string
const listeners: Listener[] = []

function open(options?: ListenerOptions): Listener {
  const listener = openListener(options)
  listeners.push(listener)
  return listener
}

const named = (listener: Listener, name: string): Listener & { name: string } => ({
  ...listener,
  name,
})

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
})

afterEach(async () => {
  await endProcesses()
  for (const listener of listeners.splice(0)) listener.close()
  rmSync(directory, { recursive: true })
})

/** Each server answers at its own place. */
async function expectServed(
  places: readonly { port?: number; path?: string; host?: string }[],
): Promise<void> {
  const replies = await Promise.all(places.map(replyFrom))
  expect(replies).toEqual(places.map((_, index) => String(index)))
}

describe('several sockets are told apart', () => {
  it.each([
    ['in order', [0, 1, 2]],
    ['reversed', [2, 1, 0]],
    ['shuffled', [1, 2, 0]],
  ])('by port, passed %s', async (_, order) => {
    const sockets = [open(), open({ host: '0.0.0.0' }), open({ host: '127.0.0.1' })]
    const { report } = await startListening(
      sockets.map(({ port }) => ({ port })),
      { sockets: order.map((index) => sockets[index] as Listener) },
    )
    const fds = order.map((_, index) => 3 + order.indexOf(index))
    expect(report.outcomes.map(({ fd }) => fd)).toEqual(fds)
    expect(report.warnings).toEqual([])
    await expectServed(sockets.map(({ port }) => ({ port })))
  })

  it('by name, whatever the ports', async () => {
    const [web, admin] = [named(open(), 'web'), named(open(), 'admin')]
    const { report } = await startListening([{ name: 'admin' }, { name: 'web' }], {
      sockets: [web, admin],
    })
    expect(report).toMatchObject({
      outcomes: [
        { fd: 4, name: 'admin', source: 'inherited' },
        { fd: 3, name: 'web', source: 'inherited' },
      ],
      warnings: [],
    })
    await expectServed([{ port: admin.port }, { port: web.port }])
  })

  it('by name, with a warning where the port is another one', async () => {
    const [web, admin] = [named(open(), 'web'), named(open(), 'admin')]
    const port = freePort()
    const { report } = await startListening([{ port, name: 'admin' }], { sockets: [web, admin] })
    expect(report.warnings).toEqual([
      `port ${port} was asked for, but the inherited socket is fd 4 "admin" [::]:${admin.port}; it is used as it is. ` +
        "Make the two agree, or pass inherit: 'never' to bind a socket instead",
    ])
    await expectServed([{ port: admin.port }])
  })

  it('by family, on one port', async () => {
    const v4 = open({ host: '0.0.0.0' })
    const v6 = open({ host: '::', port: v4.port, ipv6Only: true })
    const { port } = v4
    const { report } = await startListening(
      [
        { port, host: '0.0.0.0' },
        { port, ipv6Only: true },
      ],
      {
        sockets: [v6, v4],
      },
    )
    expect(report).toMatchObject({ outcomes: [{ fd: 4 }, { fd: 3 }], warnings: [] })
    await expectServed([{ port }, { port, host: '::1' }])
  })

  it('by address, on one port', async () => {
    const first = open({ host: '127.0.0.1' })
    const second = open({ host: '127.0.0.2', port: first.port })
    const { port } = first
    const { report } = await startListening(
      [
        { port, host: '127.0.0.2' },
        { port, host: '127.0.0.1' },
      ],
      { sockets: [first, second] },
    )
    expect(report).toMatchObject({ outcomes: [{ fd: 4 }, { fd: 3 }], warnings: [] })
    await expectServed([
      { port, host: '127.0.0.2' },
      { port, host: '127.0.0.1' },
    ])
  })

  it('by path, also an abstract one', async () => {
    const abstract = `@socket-port-${process.pid}`
    const paths = [join(directory, 'a.sock'), join(directory, 'b.sock'), abstract]
    const sockets = paths.map((path) => open({ path }))
    const { report } = await startListening(
      paths.map((path) => ({ path })),
      { sockets: sockets.toReversed() },
    )
    expect(report).toMatchObject({ outcomes: [{ fd: 5 }, { fd: 4 }, { fd: 3 }], warnings: [] })
    expect(report.outcomes.map(({ address }) => address)).toEqual(paths)
    await expectServed(paths.map((path) => ({ path })))
  })
})

describe('a sole socket', () => {
  it('serves whatever port was asked for, with a warning', async () => {
    const listener = open()
    const port = freePort()
    const { report } = await startListening([{ port }], { sockets: [listener] })
    expect(report.outcomes).toMatchObject([
      { source: 'inherited', address: { port: listener.port } },
    ])
    expect(report.warnings).toEqual([
      expect.stringMatching(`^port ${port} was asked for, but the inherited socket is fd 3 `),
    ])
    await expectServed([listener])
  })

  it('is not taken under a name that it does not have', async () => {
    const listener = named(open(), 'admin')
    const { report } = await startListening([{ name: 'web' }], { sockets: [listener] })
    expect(report.outcomes).toMatchObject([{ source: 'bound' }])
    expect(report.warnings).toEqual([
      `none of the inherited sockets fits port 0, name "web": fd 3 "admin" [::]:${listener.port}. ` +
        'A socket of its own is bound; to use an inherited one, ask for its port or its name',
    ])
  })
})

describe('where nothing decides', () => {
  it('the candidates are listed, and none is taken', async () => {
    const v4 = open({ host: '0.0.0.0' })
    const v6 = open({ host: '::', port: v4.port, ipv6Only: true })
    const { report } = await startListening([{ port: v4.port }], { sockets: [v4, v6] })
    expect(report.outcomes).toEqual([
      {
        code: 'ERR_SOCKET_PORT_AMBIGUOUS',
        message:
          `2 inherited sockets fit port ${v4.port}: fd 3 0.0.0.0:${v4.port}, ` +
          `fd 4 [::]:${v4.port}; pass name, host or ipv6Only to choose one`,
      },
    ])
    expect(report.sockets).toMatchObject([{ taken: false }, { taken: false }])
    expect(report.variables).toEqual([])
  })

  it('any port is bound, with a warning that lists what there was', async () => {
    const sockets = [open(), open()]
    const { report } = await startListening([{}], { sockets })
    expect(report.outcomes).toMatchObject([{ source: 'bound' }])
    expect(report.warnings).toEqual([
      expect.stringMatching(
        /^none of the inherited sockets fits port 0: fd 3 .*, fd 4 .*\. A socket/,
      ),
    ])
    await expectServed([{ port: portOf(report) }])
  })
})

describe('one socket for two servers', () => {
  it('is taken once: the second one finds the port in use, and is told by whom', async () => {
    const { port, fd } = open()
    const { report, process: child } = await startListening([{ port }, { port }], {
      sockets: [{ fd }],
    })
    expect(report.outcomes).toMatchObject([{ source: 'inherited' }, { code: 'EADDRINUSE' }])
    const message = report.outcomes[1]?.message
    expect(message).toMatch(
      new RegExp(`^cannot listen on port ${port} \\(EADDRINUSE\\): it is held by `),
    )
    expect(message).toContain(`this process itself (pid ${child.pid})`)
    expect(message).toContain(`pid ${process.pid} (`)
    expect(report.warnings).toEqual([])
  })

  it('is shared where that is asked for', async () => {
    const { port, fd } = open()
    const { report } = await startListening([{ port }, { port, shared: true }], {
      sockets: [{ fd }],
    })
    expect(report).toMatchObject({
      outcomes: [
        { source: 'inherited', fd: 3 },
        { source: 'inherited', fd: 3 },
      ],
      warnings: [],
    })
    expect(['0', '1']).toContain(await replyFrom({ port }))
  })

  it('can be two, of an SO_REUSEPORT group', async () => {
    const first = open({ reusePort: true })
    const { port } = first
    const second = open({ reusePort: true, port })
    const { report } = await startListening([{ port }, { port }], { sockets: [first, second] })
    expect(report).toMatchObject({ outcomes: [{ fd: 3 }, { fd: 4 }], warnings: [] })
    expect(['0', '1']).toContain(await replyFrom({ port }))
  })

  it('leaves the sockets that no server took, without a warning', async () => {
    const [first, second] = [open(), open()]
    const { report } = await startListening([{ port: first.port }], { sockets: [first, second] })
    expect(report).toMatchObject({ sockets: [{ taken: true }, { taken: false }], warnings: [] })
  })
})
