import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, FastifyListenOptions } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { application, Client, closeAll, onClose, RELEASES } from './testing/applications.ts'
import { resolveLocalhost } from './testing/localhost.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'socket-port-fastify-'))
  onClose(() => rmSync(folder, { recursive: true }))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await closeAll()
})

/** All that an application says about where it listens, without the port, which differs. */
function report(app: FastifyInstance, resolved: unknown): unknown {
  const { addresses, listeningOrigin } = app
  const all = { resolved, listeningOrigin, addresses: addresses.call(app) }
  const ports = addresses.call(app).map((address) => `${(address as AddressInfo).port}`)
  return JSON.parse(JSON.stringify(all).replaceAll(ports[0] ?? '-', '0'))
}

async function busyPort(): Promise<number> {
  const holder = createServer().listen(0)
  await once(holder, 'listening')
  onClose(() => holder.close())
  return (holder.address() as AddressInfo).port
}

type Tries = (app: FastifyInstance, busy: number) => Promise<string[]>

const tryByPromise: Tries = async (app, busy) => {
  const seen: string[] = []
  for (const port of [busy, 0]) {
    await app.listen({ port, host: '127.0.0.1' }).then(
      () => seen.push('listening'),
      (error) => seen.push(error.code),
    )
  }
  return seen
}

// The second call comes from an 'error' listener, in which Fastify calls back.
const tryByCallback: Tries = (app, busy) =>
  new Promise((resolve) => {
    const seen: string[] = []
    const next = (port: number): void =>
      app.listen({ port, host: '127.0.0.1' }, (error) => {
        seen.push((error as NodeJS.ErrnoException | null)?.code ?? 'listening')
        if (port === 0) resolve(seen)
        else next(0)
      })
    next(busy)
  })

describe.each(RELEASES)('with Fastify %s, listen', (_, create) => {
  it.each([
    ['a promise', tryByPromise],
    ['a callback', tryByCallback],
  ])(
    'with %s fails on a busy port and then takes another, as without the plugin',
    async (_, tries) => {
      const port = await busyPort()
      const [ours, plain] = [application(create), application(create, { plain: true })]
      expect(await tries(ours, port)).toEqual(['EADDRINUSE', 'listening'])
      expect(await tries(plain, port)).toEqual(['EADDRINUSE', 'listening'])
      const client = new Client((ours.server.address() as AddressInfo).port)
      expect(await client.get()).toMatchObject({ status: 200 })
    },
  )

  it.each<[string, () => FastifyListenOptions | undefined]>([
    ['without options', () => undefined],
    ['a port', () => ({ port: 0 })],
    ['a host', () => ({ port: 0, host: '127.0.0.1' })],
    ['localhost', () => ({ port: 0, host: 'localhost' })],
    ['every address', () => ({ port: 0, host: '::' })],
    ['every IPv4 address', () => ({ port: 0, host: '0.0.0.0' })],
    ['IPv6 only', () => ({ port: 0, host: '::1', ipv6Only: true })],
    ['a backlog', () => ({ port: 0, backlog: 16 })],
    ['exclusive', () => ({ port: 0, exclusive: true })],
    ['a path', () => ({ path: join(folder, 'app.sock') })],
    ['a readable path', () => ({ path: join(folder, 'app.sock'), readableAll: true })],
    ['a signal', () => ({ port: 0, signal: new AbortController().signal })],
    ['a text', () => ({ port: 0, listenTextResolver: (address) => `at ${address}` })],
  ])('%s does what it does without the plugin', async (_, options) => {
    resolveLocalhost()
    const plain = application(create, { plain: true })
    const expected = report(plain, await plain.listen(options()))
    await plain.close()
    const app = application(create)
    expect(report(app, await app.listen(options()))).toEqual(expected)
    expect(app.socketPort).toMatchObject({ source: 'bound', state: 'ready' })
  })

  it('with a callback calls it once, with the address', async () => {
    const app = application(create)
    const callback = vi.fn()
    await new Promise<void>((done) => {
      app.listen({ port: 0 }, (...args) => {
        callback(...args)
        done()
      })
    })
    expect(callback.mock.calls).toEqual([[null, app.listeningOrigin]])
  })

  it('on a busy port rejects with the process that holds it, and may be called again', async () => {
    const port = await busyPort()
    const app = application(create)
    await expect(app.listen({ port, host: '127.0.0.1' })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('this process itself'),
    })
    await app.listen({ port: 0 })
    expect((await new Client((app.server.address() as AddressInfo).port).get()).status).toBe(200)
  })

  it('says on a busy port what is wrong, where only a callback without parameters hears of it', async () => {
    const port = await busyPort()
    const logged: string[] = []
    const stream = { write: (line: string) => void logged.push(line) }
    const app = application(create, { logger: { level: 'error', stream } })
    // The plugin must have been loaded.
    await app.after()
    await new Promise<void>((up) => app.listen({ port, host: '127.0.0.1' }, () => up()))
    expect(logged).toEqual([
      expect.stringMatching(`cannot listen on port ${port} on 127.0.0.1 \\(EADDRINUSE\\)`),
    ])
    app.server.on('error', () => {})
    await new Promise<void>((up) => app.listen({ port, host: '127.0.0.1' }, () => up()))
    await new Promise((heard) => app.listen({ port, host: '127.0.0.1' }, heard))
    expect(logged).toHaveLength(1)
  })

  it('passes an error to its callback', async () => {
    const port = await busyPort()
    const app = application(create)
    const error = await new Promise((heard) => app.listen({ port, host: '127.0.0.1' }, heard))
    expect(error).toMatchObject({ code: 'EADDRINUSE' })
  })

  it.each([-1, 65_536, 1.5])('leaves the port %j to Node, which refuses it', async (port) => {
    const app = application(create)
    await expect(app.listen({ port })).rejects.toMatchObject({ code: 'ERR_SOCKET_BAD_PORT' })
  })

  it('leaves options that name nothing to Node, which refuses them', async () => {
    await expect(application(create).listen({})).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    })
  })

  it('twice is refused as by Fastify', async () => {
    const app = application(create)
    await app.listen({ port: 0 })
    await expect(app.listen({ port: 0 })).rejects.toMatchObject({
      code: 'FST_ERR_REOPENED_SERVER',
    })
  })

  it('leaves the options as Fastify leaves them', async () => {
    const options: FastifyListenOptions = { port: 0 }
    await application(create).listen(options)
    expect(options.host).toBe('localhost')
  })

  it('of a closed application is refused', async () => {
    const app = application(create)
    await app.close()
    await expect(app.listen({ port: 0 })).rejects.toMatchObject({
      code: expect.stringMatching(/CLOSED?/),
    })
  })
})
