import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '@socket-port/core'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type SocketPortOptions, socketPort } from './index.ts'
import { application, Client, closeAll, onClose, QUIET, RELEASES } from './testing/applications.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  await closeAll()
})

const port = (app: FastifyInstance): number => (app.server.address() as AddressInfo).port

describe.each(RELEASES)('with Fastify %s, the plugin', (_, create) => {
  it('works if its registration is awaited', async () => {
    const app = create()
    onClose(() => app.close())
    await app.register(socketPort, QUIET)
    expect(app.socketPort).toBeUndefined()
    await app.listen({ port: 0 })
    expect(app.socketPort).toMatchObject({ source: 'bound', server: app.server, port: port(app) })
  })

  it('works inside another plugin, with its prefix', async () => {
    const app = application(create, { plain: true })
    app.register(
      async (child) => {
        await child.register(socketPort, { ...QUIET, prefix: '/inner', logLevel: 'warn' })
        child.get('/', async (request) => ({ state: request.server.socketPort?.state }))
      },
      { prefix: '/child' },
    )
    await app.listen({ port: 0 })
    const client = new Client(port(app))
    expect(JSON.parse((await client.get('/child/')).body)).toEqual({ state: 'ready' })
    const closed = app.close()
    expect(await client.get()).toMatchObject({ status: 200, headers: { connection: 'close' } })
    await closed
  })

  it.each([
    ['itself', (app: FastifyInstance) => app.register(socketPort)],
    ['inside another', (app: FastifyInstance) => app.register(async (c) => c.register(socketPort))],
  ])('is refused if it is registered twice: %s', async (_, again) => {
    const app = create()
    app.register(socketPort, QUIET)
    again(app)
    await expect(app.listen({ port: 0 })).rejects.toMatchObject({
      code: 'ERR_SOCKET_PORT_ALREADY_ATTACHED',
    })
  })

  it.each([
    [{ drian: {} }, 'ERR_SOCKET_PORT_UNKNOWN_OPTION'],
    [{ port: 8080 }, 'ERR_SOCKET_PORT_UNKNOWN_OPTION'],
    [{ drain: { timeout: '25s' } }, 'ERR_SOCKET_PORT_INVALID_OPTION'],
  ])('refuses the options %j where they are given', async (options, code) => {
    const app = create()
    await expect(app.register(socketPort, options as SocketPortOptions)).rejects.toMatchObject({
      code,
    })
  })

  it('passes its options on', async () => {
    const app = create()
    app.register(socketPort, { ...QUIET, inherit: 'require' })
    await expect(app.listen({ port: 0 })).rejects.toMatchObject({
      code: 'ERR_SOCKET_PORT_NOT_INHERITED',
    })
  })

  it('serves a server of serverFactory', async () => {
    const app = create({ serverFactory: (handler) => createServer(handler) })
    app.register(socketPort, QUIET)
    onClose(() => app.close())
    await app.listen({ port: 0 })
    const client = new Client(port(app))
    expect((await client.get()).status).toBe(404)
    const closed = app.close()
    expect(await client.get()).toMatchObject({ status: 404, headers: { connection: 'close' } })
    await closed
  })

  // As Fastify does, which closes only what it has told to listen.
  describe.each(['before', 'after'])('of a server that the program lets listen %s', (moment) => {
    it('leaves it open when the application closes, and drains it with the process', async () => {
      const server = createServer()
      const listen = async (): Promise<void> => {
        await once(server.listen(0, '127.0.0.1'), 'listening')
      }
      if (moment === 'before') await listen()
      const app = create({ serverFactory: (handler) => server.on('request', handler) })
      await app.register(socketPort, QUIET)
      await app.ready()
      if (moment === 'after') await listen()
      const client = new Client(port(app))
      expect((await client.get()).status).toBe(404)
      await app.close()
      expect(server.listening).toBe(true)
      // The answer of Fastify: it is closed.
      expect(await client.get()).toMatchObject({ status: 503 })
      expect(app.socketPort?.state).toBe('ready')
      await app.socketPort?.close()
      expect(server.listening).toBe(false)
    })
  })

  it('refuses a serverFactory that returns no server of Node', async () => {
    const app = create({ serverFactory: () => ({ on() {} }) as never })
    await expect(app.register(socketPort, QUIET)).rejects.toMatchObject({
      code: 'ERR_SOCKET_PORT_INVALID_OPTION',
    })
  })
})

describe.each(RELEASES)('with Fastify %s, messages', (_, create) => {
  const collect = (): { lines: string[]; stream: { write(line: string): void } } => {
    const lines: string[] = []
    return { lines, stream: { write: (line) => void lines.push(line) } }
  }

  it('go to the logger of Fastify', async () => {
    const { lines, stream } = collect()
    const app = create({ logger: { level: 'info', stream } })
    app.register(socketPort, QUIET)
    await app.listen({ port: 0 })
    const { port } = app.server.address() as AddressInfo
    await app.close()
    const ours = lines.map((line) => JSON.parse(line)).filter(({ plugin }) => plugin !== undefined)
    expect(ours).toMatchObject([
      { plugin: '@socket-port/fastify', msg: expect.stringMatching(/^drained /), level: 30 },
    ])
    // Fastify itself has said so.
    const addresses = lines.filter((line) => line.includes('listening'))
    expect(addresses).toEqual([expect.stringContaining(`127.0.0.1:${port}`)])
  })

  it('go to the logger that is given', async () => {
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const app = create({ logger: { level: 'info', stream: { write: () => expect.unreachable() } } })
    app.log.level = 'silent'
    app.register(socketPort, { ...QUIET, logger: logger satisfies Logger })
    await app.listen({ port: 0 })
    await app.close()
    expect(logger.info).toHaveBeenCalledWith(expect.stringMatching(/^drained /))
    expect(logger.debug).toHaveBeenCalledWith(expect.stringMatching(/^listening on /))
  })

  it('of a hook that takes too long name the hook of the program, as those of Fastify alone', async () => {
    const messageOf = async (app: FastifyInstance): Promise<unknown> => {
      app.addHook('onReady', async function connectToDatabase() {
        await new Promise(() => {})
      })
      return app.ready().then(
        () => expect.unreachable(),
        (error) => error.message,
      )
    }
    const app = create({ pluginTimeout: 50 })
    app.register(socketPort, QUIET)
    expect(await messageOf(app)).toBe(await messageOf(create({ pluginTimeout: 50 })))
  })

  it.each([
    ['is off', {}, true],
    ['is silent', { logger: { level: 'silent' } }, false],
  ])('that warn, where the logger %s', async (_, options, shown) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const app = create(options)
    app.register(socketPort, { ...QUIET, drain: { timeout: 1 } })
    const entered = new Promise<void>((resolve) => {
      app.get('/', () => {
        resolve()
        return new Promise(() => {})
      })
    })
    await app.listen({ port: 0 })
    const cut = expect(new Client(port(app)).get()).rejects.toThrow()
    await entered
    await Promise.all([cut, app.close()])
    const warnings = written.mock.calls.filter(([line]) => /1 connection cut/.test(String(line)))
    expect(warnings).toHaveLength(shown ? 1 : 0)
  })

  it('go to a logger that has no level', async () => {
    const info = vi.fn()
    const none = (): void => {}
    const loggerInstance = {
      fatal: none,
      error: none,
      warn: () => {},
      info,
      debug: none,
      trace: none,
      child: () => loggerInstance,
    } as unknown as FastifyBaseLogger
    const app = create({ loggerInstance })
    app.register(socketPort, QUIET)
    await app.listen({ port: 0 })
    await app.close()
    expect(info).toHaveBeenCalledWith(expect.stringMatching(/^drained /))
  })
})
