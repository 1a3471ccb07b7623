import { once } from 'node:events'
import {
  connect as connectHttp2,
  createServer as createHttp2,
  createSecureServer,
} from 'node:http2'
import { createServer, type Server } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import type { AnyServer, Drain } from '../base/types.ts'
import { createDrain } from './drain.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function listening(server: AnyServer, drain: Drain): Promise<number> {
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => {
    drain.start()
    drain.force()
  })
  return (server.address() as AddressInfo).port
}

describe('an HTTPS server', () => {
  async function start(
    idleTimeout = 5_000,
  ): Promise<{ server: Server; drain: Drain; port: number }> {
    const server = createServer({ key, cert }, (request, response) => response.end(request.url))
    const drain = createDrain(server, { idleTimeout })
    return { server, drain, port: await listening(server, drain) }
  }

  /** A connection whose handshake the server has seen the end of. */
  async function secured(server: Server, port: number): Promise<RawConnection> {
    const accepted = once(server, 'secureConnection')
    const client = await RawConnection.openTls(port, cert)
    cleanups.push(() => client.close())
    await accepted
    return client
  }

  it('serves idle and silent connections once more, and closes them', async () => {
    const { server, drain, port } = await start()
    const [idle, silent] = [await secured(server, port), await secured(server, port)]
    idle.send(get('/first'))
    await idle.receive(/\/first$/)
    expect(drain.connections).toBe(2)
    const drained = drain.start()
    for (const client of [idle, silent]) {
      client.send(get('/again'))
      expect(await client.receive(/\/again$/)).toMatch(/connection: close/i)
      await client.closed
    }
    expect(await drained).toMatchObject({ graceful: true, served: 2, forced: 0 })
  })

  it('completes a handshake that has begun, and serves its request', async () => {
    const { server, drain, port } = await start()
    const plain = connect({ port, host: '127.0.0.1' })
    await once(server, 'connection')
    expect(drain.connections).toBe(1)
    const drained = drain.start()
    const client = await RawConnection.secure(plain, cert)
    client.send(get('/late'))
    expect(await client.receive(/\/late$/)).toMatch(/connection: close/i)
    expect(await drained).toMatchObject({ graceful: true, served: 1, forced: 0 })
  })

  it('closes a handshake that does not go on, after its time', async () => {
    const { server, drain, port } = await start(20)
    const plain = connect({ port, host: '127.0.0.1' })
    await once(server, 'connection')
    const closed = once(plain, 'close')
    const drained = drain.start()
    await closed
    expect(await drained).toMatchObject({ graceful: true, expired: 1, forced: 0 })
  })
})

describe('a TLS server', () => {
  it('lets its connections end', async () => {
    const server = createTls({ key, cert }, (socket) => socket.pipe(socket))
    const drain = createDrain(server)
    const port = await listening(server, drain)
    const client = await RawConnection.openTls(port, cert)
    const drained = drain.start()
    expect(server.listening).toBe(false)
    client.send('still here')
    await client.receive(/still here/)
    client.close()
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })
})

describe.each(['http2', 'http2 over TLS'])('an %s server', (kind) => {
  it.each([false, true])(
    'finishes its streams and closes its sessions (quick: %s)',
    async (quick) => {
      const server = kind === 'http2' ? createHttp2() : createSecureServer({ key, cert })
      const drain = createDrain(server)
      const port = await listening(server, drain)
      const scheme = kind === 'http2' ? 'http' : 'https'
      const idle = connectHttp2(`${scheme}://localhost:${port}`, { ca: cert })
      const busy = connectHttp2(`${scheme}://localhost:${port}`, { ca: cert })
      cleanups.push(() => [idle, busy].forEach((session) => void session.destroy()))
      await Promise.all([once(idle, 'remoteSettings'), once(busy, 'remoteSettings')])
      const request = busy.request({ ':path': '/' })
      const [stream] = await once(server, 'stream')
      const drained = drain.start({ quick })
      await once(idle, 'close')
      stream.respond({ ':status': 200 })
      stream.end('done')
      let body = ''
      for await (const chunk of request) body += chunk
      expect(body).toBe('done')
      expect(await drained).toMatchObject({ graceful: true, forced: 0 })
    },
  )
})
