import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startGeneration } from '@socket-port/testkit/generation'
import {
  type Listener,
  type ListenerOptions,
  listenerBacklog,
  openListener,
} from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fixture, type Listening, replyFrom, startListening } from './report.ts'

const core = fileURLToPath(new URL('../../../packages/core/', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
const listeners: Listener[] = []

function open(options?: ListenerOptions): Listener {
  const listener = openListener(options)
  listeners.push(listener)
  return listener
}

beforeAll(() => {
  cpSync(join(core, 'dist'), join(directory, 'dist'), { recursive: true })
  cpSync(join(core, 'package.json'), join(directory, 'package.json'))
  cpSync(fixture('core-listen.mjs'), join(directory, 'listen.mjs'))
})

afterEach(async () => {
  await endProcesses()
  for (const listener of listeners.splice(0)) listener.close()
})

afterAll(() => rmSync(directory, { recursive: true }))

const [major = 0] = process.versions.node.split('.').map(Number)
const permission = [
  major < 24 ? '--experimental-permission' : '--permission',
  '--allow-fs-read=*',
  '--allow-fs-write=*',
  // Node 25 forbids the network too.
  ...(major < 25 ? [] : ['--allow-net']),
]

const WARNING = (reason: string): string =>
  `libc cannot be used (${reason}), so an inherited socket is served as it is: once closed it cannot be listened on ` +
  `again. Install the optional dependency @koromix/koffi-linux-${process.arch} and allow native code (--allow-addons)`

describe.each([
  {
    where: 'with --no-addons',
    options: { flags: ['--no-addons'] },
    reason: 'Cannot load native addon because loading addons is disabled.',
  },
  {
    where: 'under --permission',
    options: { flags: permission },
    reason: 'Cannot load native addon because loading addons is disabled.',
  },
  {
    where: 'without the native package',
    options: { core: join(directory, 'dist/index.js'), program: join(directory, 'listen.mjs') },
    reason: `Cannot find module '@koromix/koffi-linux-${process.arch}'`,
  },
])('$where', ({ options, reason }) => {
  it('inherited sockets are served, with one warning', async () => {
    const path = join(directory, 'app.sock')
    const sockets = [open(), open({ host: '127.0.0.1' }), open({ host: '::1' }), open({ path })]
    const targets = sockets.map(({ port, path }) => (path === undefined ? { port } : { path }))
    const { report } = await startListening(targets, { ...options, sockets })
    expect(report).toMatchObject({
      outcomes: sockets.map((_, index) => ({ source: 'inherited', fd: 3 + index })),
      sockets: sockets.map(() => ({ taken: true, listening: true })),
      variables: [],
      koffi: false,
    })
    expect(report.warnings).toEqual([WARNING(reason)])
    const places = [{}, {}, { host: '::1' }, {}].map((host, index) => ({
      ...targets[index],
      ...host,
    }))
    expect(await Promise.all(places.map(replyFrom))).toEqual(['0', '1', '2', '3'])
  })

  it('the queue of an inherited socket never gets shorter', async () => {
    const own = open({ backlog: 4096 })
    await startListening([{ port: own.port, backlog: 7 }], { ...options, sockets: [own] })
    expect(listenerBacklog(own.fd)).toBe(4096)
  })

  it('a socket cannot be shared, and goes on to be served', async () => {
    const { port, fd } = open()
    const targets = [{ port }, { port, shared: true }, { port, shared: true }]
    const { report } = await startListening(targets, { ...options, sockets: [{ fd }] })
    const refused = {
      code: 'ERR_SOCKET_PORT_UNSUPPORTED',
      message:
        `fd 3 [::]:${port} is taken, and cannot be shared: without native code there is no ` +
        'duplicate of it. Allow native code, or serve it with one server',
    }
    expect(report.outcomes).toMatchObject([{ source: 'inherited' }, refused, refused])
    expect(report.sockets).toMatchObject([{ fd: 3, taken: true }])
    expect(await replyFrom({ port })).toBe('0')
  })
})

describe('without native code', () => {
  /** Node itself says on stderr that its permission model is an experiment. */
  const ownWords = ({ process: child }: Listening): string =>
    child.stderr.replace(/^\(node:\d+\) ExperimentalWarning: .*\n\(Use .*\n/gm, '')

  it('a cold start is as any other: no warning', async () => {
    for (const flags of [['--no-addons'], permission]) {
      const listening = await startListening([{ port: 0 }], { flags })
      expect(listening.report).toMatchObject({ outcomes: [{ source: 'bound' }], warnings: [] })
      listening.process.signal('SIGKILL')
      await listening.process.exit
      expect(ownWords(listening)).toBe('')
    }
  })

  it('two servers do not get one socket', async () => {
    const { port, fd } = open()
    const { report } = await startListening([{ port }, { port }], {
      sockets: [{ fd }],
      flags: ['--no-addons'],
    })
    expect(report.outcomes).toMatchObject([{ source: 'inherited' }, { code: 'EADDRINUSE' }])
    expect(await replyFrom({ port })).toBe('0')
  })

  it('a closed socket is gone: to listen again says that the port is in use', async () => {
    const { fd, port } = open()
    const env = { PORT: String(port) }
    const command = [process.execPath, '--no-addons', fixture('core-again.mjs')]
    const server = startGeneration({ command, sockets: [{ fd }], env })
    expect(await server.exit).toMatchObject({ code: 1 })
    expect(server.stderr).toContain(
      `cannot listen on port ${port} (EADDRINUSE): it is held by pid `,
    )
    const next = replyFrom({ port })
    await startListening([{ port }], { sockets: [{ fd }] })
    expect(await next).toBe('0')
  })
})
