import type { AddressInfo } from 'node:net'
import type { LoggerService } from '@nestjs/common'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { AttachOptions, Logger } from '@socket-port/core/adapter'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SocketPortFastifyAdapter } from './fastify.ts'
import { SocketPortExpressAdapter } from './index.ts'
import { closeApplications, createApplication } from './testing/application.ts'
import { platforms } from './testing/platforms.ts'

afterEach(closeApplications)

describe.each(platforms)('the adapter for $name', ({ adapter, create }) => {
  it('is known to libraries by the name of Nest’s own', () => {
    expect(create().constructor.name).toBe(adapter)
  })

  it('refuses wrong options when the application is created', async () => {
    const wrong = { grace: 5 } as AttachOptions
    await expect(createApplication(create(wrong))).rejects.toThrow(/"grace"; known are/)
  })

  it('logs to Nest’s logger, which may be replaced', async () => {
    const lines: unknown[][] = []
    const line = (...args: unknown[]): void => void lines.push(args)
    const logger: LoggerService = { log: line, warn: line, error: line }
    const app = await createApplication(create(), { logger })
    await app.listen(0, '127.0.0.1')
    expect(lines).toContainEqual([
      expect.stringMatching(/^listening on 127\.0\.0\.1:\d+$/),
      'socket-port',
    ])
    expect(lines).toContainEqual(['Nest application successfully started', 'NestApplication'])
  })

  it('leaves the logger to its option', async () => {
    const info = vi.fn()
    const logger: Logger = { debug: info, info, warn: info, error: info }
    const app = await createApplication(create({ logger }))
    await app.listen(0, '127.0.0.1')
    expect(info).toHaveBeenCalledWith(expect.stringMatching(/^listening on/))
  })

  it('has its service, for readiness probes and endless responses', async () => {
    const own = create()
    const app = await createApplication(own)
    expect(own.service).toBeUndefined()
    await app.listen(0, '127.0.0.1')
    const { service } = own
    expect(service).toMatchObject({ source: 'bound', state: 'ready' })
    const closed = app.close()
    await new Promise((resolve) => service?.signal.addEventListener('abort', resolve))
    expect(service?.state).not.toBe('ready')
    await closed
  })
})

describe('an application of one’s own', () => {
  const { info, ...rest } = { info: vi.fn(), debug: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const options: AttachOptions = { logger: { info, ...rest } }

  it.each([
    ['Express', new ExpressAdapter().getInstance(), SocketPortExpressAdapter],
    ['Fastify', new FastifyAdapter().getInstance(), SocketPortFastifyAdapter],
  ])('of %s is taken, with options beside it', async (_, instance, Adapter) => {
    info.mockClear()
    const adapter = new Adapter(instance as never, options)
    expect(adapter.getInstance()).toBe(instance)
    const app = await createApplication(adapter)
    await app.listen(0, '127.0.0.1')
    expect(info).toHaveBeenCalledOnce()
  })
})

describe('HTTPS', () => {
  it.each([
    ['Express', new SocketPortExpressAdapter(), { httpsOptions: { cert, key } }],
    ['Fastify', new SocketPortFastifyAdapter({ https: { cert, key } }), {}],
  ])('works on %s', async (_, adapter, options) => {
    const app = await createApplication(adapter, options)
    await app.listen(0, '127.0.0.1')
    const { port } = app.getHttpServer().address() as AddressInfo
    expect(await app.getUrl()).toContain(`://127.0.0.1:${port}`)
    const client = await RawConnection.openTls(port, cert)
    client.send(get('/', 'Connection: close'))
    expect(await client.receive(/hello$/)).toMatch(/ 200 OK/)
  })
})
