import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { ServerDrain } from './drain.ts'
import { Barrier } from './idle/barrier.ts'
import type { TransferTarget } from './idle/transfer.ts'
import { resolveDrain } from './options.ts'

// What Node itself would look for only after half a minute.
const SLOW = { headersTimeout: 300, requestTimeout: 600 }

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

/** Answers when the request is whole. */
const handler: RequestListener = (request, response) => {
  request.resume().on('end', () => response.end(`old ${request.url}`))
}

interface Fixture {
  server: Server
  drain: ServerDrain
  open(): Promise<RawConnection>
}

/** A server whose drain would take longer than a test may. */
async function fixture(options: ServerOptions = {}, tls = false): Promise<Fixture> {
  const server = tls
    ? createTlsServer({ ...options, key, cert }, handler)
    : createServer(options, handler)
  const drain = new ServerDrain(server, resolveDrain({ timeout: 60_000, idleTimeout: 100 }))
  await new Promise<void>((resolve) => server.listen(0, resolve))
  cleanups.push(() => {
    void drain.start()
    drain.force()
  })
  const { port } = server.address() as AddressInfo
  const event = tls ? 'secureConnection' : 'connection'
  return {
    server,
    drain,
    async open() {
      const accepted = once(server, event)
      const client = await (tls ? RawConnection.openTls(port, cert) : RawConnection.open(port))
      cleanups.push(() => client.close())
      await accepted
      return client
    },
  }
}

/** Keeps the connections, and tells when it first got some. */
function testTarget(): { target: TransferTarget; passed: Promise<void> } {
  let tell = (): void => {}
  const passed = new Promise<void>((resolve) => {
    tell = resolve
  })
  const target: TransferTarget = {
    barrier: new Barrier(),
    room: 100,
    async send(fds) {
      for (const fd of fds) {
        const kept = loadLibc().fcntl(fd, F_DUPFD_CLOEXEC, 3)
        cleanups.push(() => closeSync(kept))
      }
      tell()
      return true
    },
    sendContinued: () => false,
  }
  return { target, passed }
}

/** Resolves when a connection has left HTTP, which the program closes when the client does. */
function upgraded({ server }: Fixture): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['upgrade', 'connect']) {
      server.once(event, (_request, socket: Socket) => {
        socket.on('end', () => socket.end()).resume()
        resolve()
      })
    }
  })
}

/** Once another connection was served, the server has read what came before. */
async function serve({ open }: Fixture): Promise<RawConnection> {
  const client = await open()
  client.send(get('/served'))
  await client.receive(/old \/served$/)
  return client
}

const HALF = 'GET /half HTTP/1.1\r\nHost'
const BODY = 'POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nhalf'
const CHUNK = 'POST /chunk HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf'

describe.each([
  ['half a header', HALF],
  ['one byte', 'G'],
  ['half a body', BODY],
  ['half a chunk', CHUNK],
])('a client that sends %s and no more', (_, text) => {
  it.each([
    ['plain', false],
    ['TLS', true],
  ])('is answered 408 after Node’s own time-out, which ends the drain (%s)', async (_kind, tls) => {
    const all = await fixture(SLOW, tls)
    const slow = await Promise.all([all.open(), all.open(), all.open()])
    for (const client of slow) client.send(text)
    await serve(all)
    expect(await all.drain.start()).toMatchObject({ graceful: true, forced: 0 })
    for (const client of slow) {
      await client.closed
      expect(client.text).toMatch(/^HTTP\/1.1 408 /)
    }
  })

  it('delays the hand-over of other connections no longer than that', async () => {
    const all = await fixture(SLOW)
    const { target } = testTarget()
    const slow = await Promise.all([all.open(), all.open(), all.open()])
    for (const client of slow) client.send(text)
    await serve(all)
    const result = await all.drain.begin({ findTarget: async () => target })
    expect(result).toMatchObject({ graceful: true, forced: 0, handedOver: 1 })
    for (const client of slow) await client.closed
  })

  it('that connects during the drain is closed in the same way', async () => {
    const all = await fixture(SLOW)
    const stays = await serve(all)
    stays.send(HALF)
    const [late, drained] = [all.open(), all.drain.start()]
    const client = await late
    client.send(text)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
    await client.closed
  })
})

describe('a client that is slow, but not too slow', () => {
  it('is served, one byte at a time', async () => {
    const all = await fixture({ headersTimeout: 30_000 })
    const client = await all.open()
    client.send('G')
    await serve(all)
    const drained = all.drain.start()
    for (const byte of get('/slow').slice(1)) {
      client.send(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await client.receive(/old \/slow$/)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })
})

describe(
  ...requireOrSkip('a new connection that is upgraded during the drain', linuxSkipReason()),
  () => {
    it.each(['Upgrade', 'CONNECT'])('does not delay the hand-over of others (%s)', async (kind) => {
      const all = await fixture()
      const left = upgraded(all)
      const { target, passed } = testTarget()
      await serve(all)
      const busy = await all.open()
      busy.send(BODY)
      await serve(all)
      const drained = all.drain.begin({ findTarget: async () => target })
      // Served: so the drain has begun.
      const late = await serve(all)
      const upgrade = get('/', 'Connection: Upgrade', 'Upgrade: echo')
      late.send(kind === 'CONNECT' ? 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n' : upgrade)
      await left
      busy.send(' body')
      await busy.receive(/old \/body$/)
      await passed
      expect(late.error).toBeUndefined()
      late.close()
      expect(await drained).toMatchObject({ graceful: true, handedOver: 3 })
    })

    it('from before the drain it is waited for', async () => {
      const all = await fixture()
      const left = upgraded(all)
      const { target, passed } = testTarget()
      const idle = await serve(all)
      const [early, busy] = [await serve(all), await all.open()]
      busy.send(BODY)
      await serve(all)
      const drained = all.drain.begin({ findTarget: async () => target })
      await serve(all)
      early.send(get('/', 'Connection: Upgrade', 'Upgrade: echo'))
      await left
      busy.send(' body')
      await busy.receive(/old \/body$/)
      // Still served here, not passed on.
      idle.send(get('/here'))
      await idle.receive(/old \/here$/)
      early.close()
      await passed
      expect(await drained).toMatchObject({ graceful: true })
    })
  },
)
