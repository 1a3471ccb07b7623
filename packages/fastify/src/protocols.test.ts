import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { Agent, get } from 'node:https'
import { text } from 'node:stream/consumers'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { application, closeAll, onClose, RELEASES } from './testing/applications.ts'

afterEach(closeAll)

const https = { key, cert }

// Each protocol has an overload of its own in Fastify's types.
const options = (given: object): FastifyServerOptions => given

/** Begins to close the application while it answers `GET /`, and answers when it drains. */
function closeWhileAnswering(app: FastifyInstance): void {
  app.get('/held', async () => {
    void app.close()
    await once(app.socketPort?.signal as AbortSignal, 'abort')
    return 'held'
  })
}

describe.each(RELEASES)('with Fastify %s', (_, create) => {
  it('https is drained', async () => {
    const app = application(create, options({ https }))
    closeWhileAnswering(app)
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    expect(origin).toMatch(/^https:/)
    expect(app.listeningOrigin).toBe(origin)
    const agent = new Agent({ keepAlive: true, rejectUnauthorized: false })
    onClose(() => agent.destroy())
    const [response] = await once(get(`${origin}/held`, { agent }), 'response')
    expect(response).toMatchObject({ statusCode: 200, headers: { connection: 'close' } })
    expect(await text(response)).toBe('held')
    await app.close()
    expect(app.server.listening).toBe(false)
  })

  it.each([
    ['in the clear', {}],
    ['over TLS', { https }],
  ])('HTTP/2 %s is drained', async (_, given) => {
    const app = application(create, options({ http2: true, ...given }))
    closeWhileAnswering(app)
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    const session = connectHttp2(origin, { rejectUnauthorized: false })
    onClose(() => session.destroy())
    const stream = session.request({ ':path': '/held' })
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(200)
    expect(await text(stream)).toBe('held')
    await app.close()
    expect(app.server.listening).toBe(false)
  })

  it('HTTP/1.1 on an HTTP/2 server is drained beside it', async () => {
    const http1 = { ...https, allowHTTP1: true }
    const app = application(create, options({ http2: true, https: http1 }))
    const server = app.server as unknown as { keepAliveTimeout: number }
    closeWhileAnswering(app)
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    // What is promised to the idle client, in milliseconds.
    server.keepAliveTimeout = 500
    const agent = new Agent({ keepAlive: true, rejectUnauthorized: false })
    onClose(() => agent.destroy())
    const [idle] = await once(get(origin, { agent }), 'response')
    expect(await text(idle)).toBe('hello')
    const session = connectHttp2(origin, { rejectUnauthorized: false })
    onClose(() => session.destroy())
    await once(session, 'remoteSettings')

    const busy = { agent: new Agent({ rejectUnauthorized: false }) }
    const [response] = await once(get(`${origin}/held`, busy), 'response')
    expect(response).toMatchObject({ statusCode: 200, headers: { connection: 'close' } })
    expect(await text(response)).toBe('held')
    await app.close()
    expect(app.server.listening).toBe(false)
  })
})
