import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, pipeline } from 'node:stream'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import type { Drain, DrainOptions } from '../../base/types.ts'
import { handOverEventStream } from '../../continue/event-stream.ts'
import { createDrain } from '../drain.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

interface Fixture {
  server: Server
  drain: Drain
  open(): Promise<RawConnection>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

async function start(handler: Handler, options: DrainOptions = {}): Promise<Fixture> {
  const server = createServer(handler)
  const drain = createDrain(server, { idleTimeout: 20, ...options })
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => {
    drain.start()
    drain.force()
  })
  const { port } = server.address() as AddressInfo
  const open = async (): Promise<RawConnection> => {
    const client = await RawConnection.open(port)
    cleanups.push(() => client.close())
    return client
  }
  return { server, drain, open }
}

/** Begins an event stream at each request. */
function streams(): { handler: Handler; opened: ServerResponse[] } {
  const opened: ServerResponse[] = []
  const handler: Handler = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
    opened.push(response)
  }
  return { handler, opened }
}

async function listen(fixture: Fixture): Promise<RawConnection> {
  const client = await fixture.open()
  client.send(get('/events', 'Accept: text/event-stream'))
  await client.receive(/hello\n\n\r\n$/)
  return client
}

const LAST_CHUNK = /0\r\n\r\n$/

describe('event streams', () => {
  it('end with their last chunk, and no connection is cut', async () => {
    const { handler, opened } = streams()
    const fixture = await start(handler)
    const clients = [await listen(fixture), await listen(fixture)]
    const closed = Promise.all(opened.map((response) => once(response, 'close')))
    const drained = fixture.drain.start()
    for (const client of clients) expect(await client.receive(LAST_CHUNK)).toBe('0\r\n\r\n')
    await closed
    expect(opened.map(({ writableFinished }) => writableFinished)).toEqual([true, true])
    expect(await drained).toMatchObject({
      graceful: true,
      served: 2,
      forced: 0,
      eventStreams: { closed: 2, handedOver: 0, cut: 0 },
    })
  })

  it('end when the current event is complete', async () => {
    const { handler, opened } = streams()
    const fixture = await start(handler, { spread: 0 })
    const client = await listen(fixture)
    const [stream] = opened
    const drained = fixture.drain.start()
    stream?.write('id: 7\n')
    stream?.write('data: wor')
    await client.receive(/wor/)
    stream?.write('ld\n')
    await client.receive(/ld/)
    stream?.write('\n')
    expect(await client.receive(LAST_CHUNK)).toBe('1\r\n\n\r\n0\r\n\r\n')
    expect(await drained).toMatchObject({ eventStreams: { closed: 1 } })
  })

  it('end in the middle of an event that is not completed, after the grace: its client drops it', async () => {
    const { handler, opened } = streams()
    const fixture = await start(handler, { spread: 0, closeGrace: 20 })
    const client = await listen(fixture)
    const drained = fixture.drain.start()
    opened[0]?.write('data: half')
    expect(await client.receive(LAST_CHUNK)).toMatch(/half\r\n0\r\n\r\n$/)
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('take no more from a program that goes on writing, which neither fails nor waits', async () => {
    const fixture = await start((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const timer = setInterval(() => response.write('data: hello\n\n', () => {}), 1)
      response.once('close', () => {
        clearInterval(timer)
        response.write('data: late\n\n')
        response.end('data: later\n\n')
      })
    })
    const client = await listen(fixture)
    const drained = fixture.drain.start()
    expect(await client.receive(LAST_CHUNK)).not.toMatch(/late/)
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('end when a stream is piped into them', async () => {
    const source = new PassThrough()
    cleanups.push(() => source.destroy())
    const fixture = await start((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      pipeline(source, response, () => {})
    })
    source.write('data: hello\n\n')
    const client = await listen(fixture)
    const drained = fixture.drain.start()
    source.write('data: again\n\n')
    expect(await client.receive(LAST_CHUNK)).toMatch(/again/)
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('of a POST, which no client repeats, end by themselves', async () => {
    const { handler, opened } = streams()
    const fixture = await start(handler, { spread: 0 })
    const client = await fixture.open()
    client.send('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n')
    await client.receive(/hello\n\n\r\n$/)
    const other = await listen(fixture)
    const drained = fixture.drain.start()
    await other.receive(LAST_CHUNK)
    opened[0]?.end('data: complete\n\n')
    expect(await client.receive(LAST_CHUNK)).toMatch(/complete/)
    expect(await drained).toMatchObject({ served: 2, eventStreams: { closed: 1 } })
  })

  it('behind which another request came wait for it, and it is whole', async () => {
    const opened: ServerResponse[] = []
    const fixture = await start(
      (request, response) => {
        opened.push(response)
        const type = request.url === '/events' ? 'text/event-stream' : 'text/plain'
        response.writeHead(200, { 'content-type': type }).write('data: hello\n\n')
        if (request.url === '/events') handOverEventStream(request, response)
      },
      { spread: 0 },
    )
    const client = await fixture.open()
    client.send(get('/plain') + get('/events'))
    await client.receive(/hello\n\n\r\n$/)
    const drained = fixture.drain.start()
    const ticks = setInterval(() => opened[0]?.write('more'), 1)
    await client.receive(/(4\r\nmore\r\n){20}/)
    clearInterval(ticks)
    opened[0]?.end('rest')
    expect(await client.receive(/hello\n\n\r\n0\r\n\r\n$/)).toMatch(/4\r\nrest\r\n0\r\n\r\nHTTP/)
    expect(await drained).toMatchObject({ forced: 0, served: 2, eventStreams: { closed: 1 } })
  })

  it('are left to a program that listens to the signal, and cut at the deadline', async () => {
    const { handler } = streams()
    const fixture = await start(handler, { timeout: 50 })
    const client = await listen(fixture)
    fixture.drain.signal.addEventListener('abort', () => {})
    const drained = fixture.drain.start()
    await client.closed
    expect(client.text).not.toMatch(LAST_CHUNK)
    expect(await drained).toMatchObject({
      graceful: false,
      forced: 1,
      eventStreams: { closed: 0, cut: 1 },
    })
  })

  it('end in the quick form, too', async () => {
    const { handler } = streams()
    const fixture = await start(handler, { spread: 60_000, timeout: 120_000 })
    const clients = [await listen(fixture), await listen(fixture)]
    fixture.drain.signal.addEventListener('abort', () => {})
    const drained = fixture.drain.start({ quick: true })
    for (const client of clients) {
      expect(await client.receive(LAST_CHUNK)).toBe('0\r\n\r\n')
      await client.closed
    }
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 2 } })
  })

  it('that begin during the drain end when accepting has stopped', async () => {
    const { handler, opened } = streams()
    const held: ServerResponse[] = []
    const fixture = await start(
      (request, response) => {
        if (request.url === '/held') held.push(response)
        else handler(request, response)
      },
      // A new client must have the time to ask.
      { idleTimeout: 5_000 },
    )
    const busy = await fixture.open()
    busy.send(get('/held'))
    await once(fixture.server, 'request')
    const drained = fixture.drain.start()
    const client = await listen(fixture)
    opened[0]?.write('data: still served\n\n')
    await client.receive(/still served/)
    expect(fixture.server.listening).toBe(true)
    held[0]?.end('held')
    await client.receive(LAST_CHUNK)
    await client.closed
    expect(await drained).toMatchObject({ graceful: true, served: 2, eventStreams: { closed: 1 } })
  })
})

describe('other responses', () => {
  const chunks: Handler = (_, response) => void response.write('hello\n\n')

  it('are waited for without a streamTimeout, however long they take', async () => {
    let last: ServerResponse | undefined
    const fixture = await start((_, response) => {
      last = response
      response.write('hello\n\n')
    })
    const client = await listen(fixture)
    const drained = fixture.drain.start()
    last?.end('complete')
    expect(await client.receive(LAST_CHUNK)).toMatch(/complete/)
    expect(await drained).toMatchObject({ served: 1, eventStreams: { closed: 0 } })
  })

  it('that outlive streamTimeout end with their last chunk', async () => {
    const fixture = await start(chunks, { streamTimeout: 1 })
    const client = await listen(fixture)
    const drained = fixture.drain.start()
    expect(await client.receive(LAST_CHUNK)).toBe('0\r\n\r\n')
    expect(await drained).toMatchObject({ graceful: true, eventStreams: { closed: 1 } })
  })

  it('with a length are never ended before it', async () => {
    const fixture = await start(
      (_, response) => {
        response.writeHead(200, { 'content-length': 20 }).write('hello\n\n')
      },
      { streamTimeout: 1, timeout: 1_200 },
    )
    const client = await fixture.open()
    client.send(get('/'))
    await client.receive(/hello/)
    expect(await fixture.drain.start()).toMatchObject({ graceful: false, forced: 1 })
  })
})

describe('a poll of Socket.IO', () => {
  const poll = (query: string): string => get(`/socket.io/?${query}`)

  it.each([
    ['EIO=4&transport=polling&t=x&sid=abc', '1'],
    ['EIO=3&transport=polling&sid=abc', '1:1'],
  ])('%s is answered with the packet that closes the session', async (query, packet) => {
    const closed: string[] = []
    const fixture = await start((request, response) => {
      request.once('close', () => {
        // As Engine.IO does.
        response.writeHead(200, { 'content-length': 1 }).end('6')
        closed.push('closed')
      })
    })
    const client = await fixture.open()
    client.send(poll(query))
    await once(fixture.server, 'request')
    const drained = fixture.drain.start()
    expect(await client.receive(/\r\n\r\n1/)).toMatch(
      new RegExp(`^HTTP/1.1 200 OK\\r\\n.*connection: close.*\\r\\n\\r\\n${packet}$`, 'is'),
    )
    await client.closed
    expect(closed).toEqual(['closed'])
    expect(await drained).toMatchObject({ graceful: true, served: 1, forced: 0 })
  })

  it.each([
    'EIO=4&transport=polling',
    'EIO=4&transport=websocket&sid=abc',
    'EIO=4&transport=polling&sid=abc&j=0',
  ])('%s is none, and waited for', async (query) => {
    let held: ServerResponse | undefined
    const fixture = await start((_, response) => {
      held = response
    })
    const client = await fixture.open()
    client.send(poll(query))
    await once(fixture.server, 'request')
    const drained = fixture.drain.start()
    held?.end('its own')
    await client.receive(/its own$/)
    expect(await drained).toMatchObject({ graceful: true, served: 1 })
  })
})
