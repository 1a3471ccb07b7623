import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { Duplex } from 'node:stream'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import type { AnyServer, Drain, DrainOptions } from '../base/types.ts'
import { createDrain } from './drain.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

interface Fixture {
  server: Server
  drain: Drain
  open(): Promise<RawConnection>
  /** The response to the oldest request of this path that is held. */
  held(path: string): Promise<ServerResponse>
}

/** Answers `/` at once with its path; holds what begins with `/hold` until the test answers. */
async function fixture(options: DrainOptions = {}, handler?: RequestListener): Promise<Fixture> {
  const waiting = new Map<string, (response: ServerResponse) => void>()
  const responses = new Map<string, ServerResponse>()
  const server = createServer((request, response) => {
    if (handler) return handler(request, response)
    const path = request.url ?? ''
    if (!path.startsWith('/hold')) return void response.end(path)
    responses.set(path, response)
    waiting.get(path)?.(response)
  })
  const drain = createDrain(server, options)
  const open = await listenAndOpen(server, drain)
  return {
    server,
    drain,
    open,
    held: (path) =>
      new Promise((resolve) => {
        const response = responses.get(path)
        if (response) resolve(response)
        else waiting.set(path, resolve)
      }),
  }
}

async function listenAndOpen(server: AnyServer, drain: Drain): Promise<Fixture['open']> {
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => {
    drain.start()
    drain.force()
  })
  const { port } = server.address() as AddressInfo
  return async () => {
    // Seen by the server too: a drain knows only what was accepted.
    const accepted = once(server, 'connection')
    const connection = await RawConnection.open(port)
    cleanups.push(() => connection.close())
    await accepted
    return connection
  }
}

async function idle(open: Fixture['open']): Promise<RawConnection> {
  const connection = await open()
  connection.send(get('/first'))
  expect(await connection.receive(/\/first$/)).toMatch(/connection: keep-alive/i)
  return connection
}

const CLOSE = /connection: close/i

describe('an idle connection', () => {
  it('is served once more within its promise, told to close, and closed', async () => {
    const { drain, open } = await fixture()
    const client = await idle(open)
    const drained = drain.start()
    client.send(get('/again'))
    expect(await client.receive(/\/again$/)).toMatch(CLOSE)
    await client.closed
    expect(client.error).toBeUndefined()
    expect(await drained).toMatchObject({ graceful: true, served: 1, expired: 0, forced: 0 })
  })

  it('is closed when its promise ends', async () => {
    const { drain, open } = await fixture({ idleTimeout: 20 })
    const client = await idle(open)
    const drained = drain.start()
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 0, expired: 1, forced: 0 })
  })

  it('is kept no longer than the server promised', async () => {
    const { server, drain, open } = await fixture({ idleTimeout: 20_000 })
    server.keepAliveTimeout = 20
    const client = await idle(open)
    const drained = drain.start()
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })

  it('is closed at once by the quick form', async () => {
    const { drain, open } = await fixture()
    const client = await idle(open)
    const drained = drain.start({ quick: true })
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, expired: 1 })
  })

  it('that never sent a byte is served when it asks', async () => {
    const { drain, open } = await fixture()
    const client = await open()
    const drained = drain.start()
    client.send(get('/late'))
    expect(await client.receive(/\/late$/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('that sends a POST is served', async () => {
    const { drain, open } = await fixture({}, (request, response) => void request.pipe(response))
    const client = await open()
    const drained = drain.start()
    client.send('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody')
    expect(await client.receive(/body/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })
})

describe('a request in flight', () => {
  it('gets its response, which says close', async () => {
    const { drain, open, held } = await fixture()
    const client = await open()
    client.send(get('/hold'))
    const response = await held('/hold')
    const drained = drain.start()
    response.end('done')
    expect(await client.receive(/done$/)).toMatch(CLOSE)
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('finishes under the quick form too', async () => {
    const { drain, open, held } = await fixture()
    const client = await open()
    client.send(get('/hold'))
    const response = await held('/hold')
    const drained = drain.start({ quick: true })
    response.end('done')
    await client.receive(/done$/)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('whose headers promised keep-alive leaves a connection that is served once more', async () => {
    const { drain, open, held } = await fixture()
    const client = await open()
    client.send(get('/hold'))
    const response = await held('/hold')
    response.write('part')
    await client.receive(/part/)
    const drained = drain.start()
    response.end('done')
    await client.receive(/0\r\n\r\n$/)
    client.send(get('/again'))
    expect(await client.receive(/\/again$/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 2 })
  })

  it('says close even where the handler set keep-alive', async () => {
    const { drain, open } = await fixture({}, (request, response) => {
      if (request.url === '/set') response.setHeader('Connection', 'keep-alive')
      if (request.url === '/object') response.writeHead(200, { connection: 'keep-alive' })
      if (request.url === '/array') response.writeHead(200, ['connection', 'keep-alive'])
      // The types of Node know neither of these.
      if (request.url === '/pairs') response.writeHead(200, [['connection', 'keep-alive']] as never)
      if (request.url === '/null') response.writeHead(200, 'OK', null as never)
      response.end('done')
    })
    const paths = ['/set', '/object', '/array', '/pairs', '/null']
    const clients: RawConnection[] = []
    for (const _ of paths) clients.push(await open())
    const drained = drain.start()
    for (const [index, path] of paths.entries()) {
      const client = clients[index] as RawConnection
      client.send(get(path))
      const text = await client.receive(/done/)
      expect(text).toMatch(CLOSE)
      expect(text).not.toMatch(/keep-alive/i)
    }
    expect(await drained).toMatchObject({ graceful: true, served: 5 })
  })

  it('is waited for behind one that was answered before its body arrived', async () => {
    const { drain, open, held } = await fixture({ idleTimeout: 20 })
    const client = await open()
    client.send('POST /early HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n1')
    await client.receive(/\/early$/)
    const drained = drain.start()
    client.send(`2${get('/hold')}`)
    const response = await held('/hold')
    // A silent one that was opened now is closed when an idle one would be.
    await (await open()).closed
    response.end('held')
    expect(await client.receive(/held$/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })

  it('is counted as forced at the deadline', async () => {
    const { drain, open, held } = await fixture({ timeout: 30, idleTimeout: 10 })
    const client = await open()
    client.send(get('/hold'))
    await held('/hold')
    const result = await drain.start()
    await client.closed
    expect(result).toMatchObject({ graceful: false, served: 0, forced: 1 })
  })

  it('is cut by force', async () => {
    const { drain, open, held } = await fixture()
    const client = await open()
    client.send(get('/hold'))
    await held('/hold')
    const drained = drain.start()
    drain.force()
    await client.closed
    expect(await drained).toMatchObject({ graceful: false, forced: 1 })
  })
})

describe('a request that is on its way', () => {
  it('with half a header is served, however long after its promise it ends', async () => {
    const { drain, open } = await fixture({ idleTimeout: 20 })
    const half = await open()
    half.send('GET /half HTTP/1.1\r\nHost')
    const other = await idle(open)
    const drained = drain.start()
    await other.closed
    half.send(': test\r\n\r\n')
    expect(await half.receive(/\/half$/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 1, expired: 1 })
  })

  it('begun on an idle connection is served', async () => {
    const { drain, open } = await fixture({ idleTimeout: 20 })
    const [half, other] = [await idle(open), await idle(open)]
    const drained = drain.start()
    half.send('G')
    await other.closed
    half.send(get('/half').slice(1))
    expect(await half.receive(/\/half$/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 1, expired: 1 })
  })

  it('with a slow body is served', async () => {
    const { drain, open } = await fixture({}, (request, response) => void request.pipe(response))
    const client = await open()
    client.send('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nabc')
    await client.receive(/abc/)
    const drained = drain.start()
    client.send('def')
    await client.receive(/def/)
    client.close()
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('in chunks, or waiting for 100 Continue, is served', async () => {
    const { drain, open } = await fixture({}, (request, response) => void request.pipe(response))
    const [chunked, expecting] = [await open(), await open()]
    const drained = drain.start()
    chunked.send('POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    expect(await chunked.receive(/abc/)).toMatch(CLOSE)
    chunked.send('0\r\n\r\n')
    expecting.send(
      'POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
    )
    await expecting.receive(/100 Continue/)
    expecting.send('abc')
    expect(await expecting.receive(/abc/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 2 })
  })

  it('as HEAD or HTTP/1.0 is served', async () => {
    const { drain, open } = await fixture()
    const [head, old] = [await open(), await open()]
    const drained = drain.start()
    head.send('HEAD /head HTTP/1.1\r\nHost: test\r\n\r\n')
    expect(await head.receive(/\r\n\r\n$/)).toMatch(CLOSE)
    old.send('GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    expect(await old.receive(/\/old$/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 2 })
  })
})

describe('pipelined requests', () => {
  it('are all answered, in flight or not, and only the last says close', async () => {
    const { drain, open, held } = await fixture()
    const client = await open()
    client.send(get('/hold1') + get('/hold2'))
    const [first, second] = [await held('/hold1'), await held('/hold2')]
    const drained = drain.start()
    client.send(get('/hold3'))
    const third = await held('/hold3')
    third.end('three')
    second.end('two')
    first.end('one')
    const text = await client.receive(/three$/)
    expect(text.match(/connection: [a-z-]+/gi)).toEqual([
      'Connection: keep-alive',
      'Connection: keep-alive',
      'Connection: close',
    ])
    await client.closed
    expect(await drained).toMatchObject({ graceful: true })
  })

  it('that arrive together while draining are all answered', async () => {
    const { drain, open } = await fixture()
    const client = await open()
    const drained = drain.start()
    client.send(get('/one') + get('/two') + get('/three'))
    const text = await client.receive(/\/one.*\/two.*\/three$/s)
    expect(text.match(CLOSE)).toHaveLength(1)
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 3 })
  })
})

describe('a response', () => {
  it('larger than any buffer reaches a slow reader in full', async () => {
    const body = 'x'.repeat(16 * 2 ** 20)
    const { drain, open } = await fixture({}, (_, response) => void response.end(body))
    const client = await open()
    client.socket.pause()
    const drained = drain.start()
    client.send(get('/'))
    client.socket.resume()
    await client.closed
    expect(client.text.length).toBeGreaterThan(body.length)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('that comes before its request has ended is not lost to a reset', async () => {
    const { drain, open } = await fixture({}, (_, response) => {
      response.statusCode = 413
      response.end('too large')
    })
    const client = await open()
    client.socket.pause() // sends first, reads afterwards
    const drained = drain.start()
    const length = 8 * 2 ** 20
    client.send(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${length}\r\n\r\n`)
    await new Promise((resolve) => client.socket.write(Buffer.alloc(length), resolve))
    client.socket.resume()
    expect(await client.receive(/too large$/)).toMatch(/^HTTP\/1.1 413.*connection: close/is)
    expect(client.error).toBeUndefined()
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })
})

describe('a connection that is no socket', () => {
  /** Answers, and ends when the server has ended. */
  function connect(server: Server): { stream: Duplex; written: () => string } {
    let text = ''
    const stream: Duplex = new Duplex({
      read() {},
      write(chunk, _, callback) {
        text += chunk
        callback()
      },
      final(callback) {
        stream.push(null)
        callback()
      },
    })
    server.emit('connection', stream)
    return { stream, written: () => text }
  }

  it('is drained like any other', async () => {
    const { server, drain, held } = await fixture({ idleTimeout: 20 })
    const [busy, half, idle] = [connect(server), connect(server), connect(server)]
    busy.stream.push(get('/hold'))
    half.stream.push('GET /half HTTP/1.1\r\n')
    const response = await held('/hold')
    const drained = drain.start()
    const closed = [busy, half, idle].map(({ stream }) => once(stream, 'close'))
    half.stream.push('Host: test\r\n\r\n')
    response.end('done')
    await Promise.all(closed)
    expect(busy.written()).toMatch(/connection: close.*done$/is)
    expect(half.written()).toMatch(/connection: close.*\/half$/is)
    expect(await drained).toMatchObject({ graceful: true, served: 2, forced: 0 })
  })
})

describe('new connections', () => {
  it('are served while an older connection is open, then the listener closes', async () => {
    const { server, drain, open } = await fixture()
    const old = await idle(open)
    const drained = drain.start()
    const newClient = await open()
    newClient.send(get('/new'))
    expect(await newClient.receive(/\/new$/)).toMatch(CLOSE)
    expect(server.listening).toBe(true)
    old.close()
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
    expect(server.listening).toBe(false)
  })

  it('accepted last are served after the listener has closed', async () => {
    const { server, drain, open } = await fixture()
    const old = await idle(open)
    const drained = drain.start()
    const newClient = await open()
    const closing = new Promise((resolve) => server.once('close', resolve))
    old.close()
    newClient.send(get('/new'))
    await newClient.receive(/\/new$/)
    await closing
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })

  it('are left to a next process that runs already', async () => {
    const { server, drain, open } = await fixture({ successor: 'running' })
    const old = await idle(open)
    const drained = drain.start()
    expect(server.listening).toBe(false)
    old.send(get('/again'))
    expect(await old.receive(/\/again$/)).toMatch(CLOSE)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })
})

describe('a drain', () => {
  it('goes on as before for its delay, but is not ready', async () => {
    const { server, drain, open, held } = await fixture({ delay: 20_000 })
    const client = await idle(open)
    const drained = drain.start()
    expect(drain.state).toBe('draining')
    expect(drain.signal.aborted).toBe(false)
    client.send(get('/hold'))
    const response = await held('/hold')
    response.end('done')
    expect(await client.receive(/done$/)).toMatch(/keep-alive/i)
    expect(server.listening).toBe(true)
    drain.force()
    expect(await drained).toMatchObject({ graceful: false, forced: 1 })
    expect(drain.signal.aborted).toBe(true)
  })

  it('has no delay where the next process serves already', async () => {
    const { server, drain } = await fixture({ delay: 20_000, successor: 'running' })
    const drained = drain.start()
    expect(drain.signal.aborted).toBe(true)
    expect(server.listening).toBe(false)
    expect(await drained).toMatchObject({ graceful: true })
  })

  it('runs once, however often it is started', async () => {
    const { drain } = await fixture()
    const first = drain.start()
    expect(drain.start()).toBe(first)
    expect(drain.start({ quick: true })).toBe(first)
    await first
    expect(drain.state).toBe('closed')
  })

  it('of a server that other code has closed ends at once', async () => {
    const { server, drain } = await fixture()
    await new Promise((resolve) => server.close(resolve))
    expect(drain.state).toBe('closed')
    expect(await drain.start()).toMatchObject({ graceful: true, served: 0, forced: 0 })
  })

  it('of a server that never listened ends at once', async () => {
    const drain = createDrain(createServer())
    expect(await drain.start()).toMatchObject({ graceful: true, served: 0, forced: 0 })
  })

  it('leaves no listener on the server', async () => {
    const server = createServer()
    const count = () =>
      server.eventNames().reduce((sum, name) => sum + server.listenerCount(name), 0)
    const before = count()
    const drain = createDrain(server)
    server.listen(0)
    await once(server, 'listening')
    await drain.start()
    expect(count()).toBe(before)
  })

  it.each([
    [{ timeout: -1 }, /drain.timeout must be a whole number of milliseconds .* \(got -1\)/],
    [{ timeout: 2 ** 31 }, /between 0 and 2147483647/],
    [{ delay: 10, timeout: 10 }, /drain.delay must be shorter than drain.timeout \(10\)/],
    [{ grace: 1 }, /no drain option "grace"; known are delay, idleTimeout, timeout, successor/],
  ])('refuses %j', (options, message) => {
    expect(() => createDrain(createServer(), options as DrainOptions)).toThrow(message)
  })
})

describe('an upgraded connection', () => {
  it('is left to its program until the deadline, and closed at once by the quick form', async () => {
    for (const quick of [false, true]) {
      const { server, drain, open } = await fixture({ timeout: 40, idleTimeout: 10 })
      server.on('upgrade', (_, socket) => socket.write('HTTP/1.1 101 Switching\r\n\r\n'))
      const client = await open()
      client.send(get('/', 'Connection: Upgrade', 'Upgrade: chat'))
      await client.receive(/101/)
      const result = await drain.start({ quick })
      await client.closed
      expect(result.forced).toBe(quick ? 0 : 1)
    }
  })

  it('is left to its program, too, when it was upgraded during the drain', async () => {
    const { server, drain, open, held } = await fixture()
    server.on('upgrade', (_, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching\r\n\r\n')
      socket.pipe(socket)
    })
    const [busy, before, other] = [await open(), await open(), await idle(open)]
    busy.send(get('/hold'))
    const response = await held('/hold')
    // Of the connections that have asked. The others have five seconds for their upgrade.
    server.keepAliveTimeout = 20
    const drained = drain.start()
    const newClient = await open()
    for (const client of [before, newClient]) {
      client.send(get('/', 'Connection: Upgrade', 'Upgrade: chat'))
      await client.receive(/101/)
    }
    await other.closed
    response.end('held')
    await busy.closed
    for (const client of [before, newClient]) {
      client.send('still here')
      await client.receive(/still here/)
      client.close()
    }
    expect(await drained).toMatchObject({ graceful: true, expired: 1, forced: 0 })
  })
})

describe('force', () => {
  it("ends the drain although a connection never emits 'close'", async () => {
    const { server, drain, open, held } = await fixture()
    const accepted = once(server, 'connection')
    const client = await open()
    const [socket] = await accepted
    client.send(get('/hold'))
    await held('/hold')
    const drained = drain.start()
    socket.removeAllListeners('close')
    drain.force()
    drain.force()
    expect(await drained).toMatchObject({ graceful: false, forced: 1 })
  })
})

describe('a plain TCP server', () => {
  it('stops accepting and lets its connections end', async () => {
    const server = createNetServer((socket) => socket.pipe(socket))
    const drain = createDrain(server)
    const open = await listenAndOpen(server, drain)
    const client = await open()
    const drained = drain.start()
    expect(server.listening).toBe(false)
    client.send('still here')
    await client.receive(/still here/)
    client.close()
    expect(await drained).toMatchObject({ graceful: true, forced: 0 })
  })
})
