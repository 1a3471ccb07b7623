import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { DrainResult } from '../base/types.ts'
import { attachmentOf, isContinued } from '../continue/attachment.ts'
import { type Continuation, handOverConnection } from '../continue/continuable.ts'
import { continueConnection } from '../continue/continue-connection.ts'
import { handOverEventStream } from '../continue/event-stream.ts'
import { hasNextRequest } from '../node/http-parser.ts'
import { takeConnection } from '../node/take-connection.ts'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { ServerDrain } from './drain.ts'
import { Barrier } from './idle/barrier.ts'
import type { ContinuedConnection, TransferTarget } from './idle/transfer.ts'
import { resolveDrain } from './options.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Keeps duplicates, as the kernel does with what is on its way through a unix socket. */
class TestTarget implements TransferTarget {
  readonly kept: ContinuedConnection[] = []
  /** How many connections came at once. */
  readonly batches: number[] = []
  readonly barrier: Barrier = new Barrier()
  readonly room = 1_000
  accepts = true

  async send(): Promise<boolean> {
    return false
  }

  sendContinued(connections: readonly ContinuedConnection[]): boolean {
    if (!this.accepts) return false
    this.batches.push(connections.length)
    for (const { fd, continuation } of connections) {
      this.kept.push({ fd: loadLibc().fcntl(fd, F_DUPFD_CLOEXEC, 3), continuation })
    }
    return true
  }
}

async function listening(listener: RequestListener): Promise<Server & { port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return Object.assign(server, { port: (server.address() as AddressInfo).port })
}

const STREAM = { 'content-type': 'text/event-stream' }

interface Stream {
  request: IncomingMessage
  response: ServerResponse
}

/** A server whose drain hands event streams over, and the next one. */
async function restart(
  next: RequestListener,
  first: (stream: Stream) => void = ({ request, response }) => {
    response.writeHead(200, STREAM)
    handOverEventStream(request, response, { attachment: () => ({ from: 'first' }) })
    response.write('id: 7\ndata: first\n\n')
  },
): Promise<{
  target: TestTarget
  warn: ReturnType<typeof vi.fn>
  open(head?: string): Promise<{ client: RawConnection; stream: Stream }>
  drain(): Promise<DrainResult>
  /** Drains the next server. */
  drainNext(target: TestTarget): Promise<DrainResult>
  /** Gives the next server what was handed over; returns why it was refused. */
  succeed(): string[]
}> {
  let opened: (stream: Stream) => void = () => {}
  const server = await listening((request, response) => {
    first({ request, response })
    opened({ request, response })
  })
  const follower = await listening(next)
  const target = new TestTarget()
  const warn = vi.fn()
  const logger = { debug() {}, info() {}, warn, error() {} }
  const drained = (which: Server, to: TestTarget): Promise<DrainResult> =>
    new ServerDrain(which, resolveDrain({ idleTimeout: 20, spread: 0 })).begin({
      findTarget: async () => to,
      logger,
    })
  return {
    target,
    warn,
    async open(head = 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n') {
      const stream = new Promise<Stream>((resolve) => {
        opened = resolve
      })
      const client = await RawConnection.open(server.port)
      cleanups.push(() => client.close())
      client.send(head)
      return { client, stream: await stream }
    },
    drain: () => drained(server, target),
    drainNext: (other) => drained(follower, other),
    succeed() {
      const refusals: string[] = []
      for (const { fd, continuation } of target.kept.splice(0)) {
        const socket = takeConnection(follower, fd) as Socket
        continueConnection(follower, socket, continuation, (reason) => refusals.push(reason))
      }
      return refusals
    },
  }
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

describe(
  ...requireOrSkip('an event stream that the next process continues', linuxSkipReason()),
  () => {
    it('goes on without a second head, with the request and the id of the last event', async () => {
      const seen: unknown[] = []
      const { open, drain, succeed } = await restart((request, response) => {
        seen.push(request.url, request.headers['last-event-id'], attachmentOf(request))
        response.writeHead(200, STREAM)
        response.write('id: 8\ndata: next\n\n')
      })
      const { client, stream } = await open()
      await client.receive(/first\n\n\r\n$/)
      const events: string[] = []
      for (const name of ['handover', 'close']) {
        stream.response.once(name, () => events.push(name))
      }
      const result = await drain()
      expect(result).toMatchObject({
        graceful: true,
        eventStreams: { closed: 0, handedOver: 1, cut: 0 },
      })
      expect(events).toEqual(['handover', 'close'])
      expect(succeed()).toEqual([])
      expect(await client.receive(/next\n\n\r\n$/)).toBe(chunk('id: 8\ndata: next\n\n'))
      expect(seen).toEqual(['/events', '7', { from: 'first' }])
    })

    it('goes on in the next process, and in the one after that', async () => {
      const third = await restart((request, response) => {
        response.writeHead(200, STREAM)
        response.write(`data: third after ${request.headers['last-event-id']}\n\n`)
      })
      const second = await restart((request, response) => {
        response.writeHead(200, STREAM)
        handOverEventStream(request, response)
        response.write('id: 9\n\n')
      })
      const { client } = await second.open()
      await client.receive(/first\n\n\r\n$/)
      await second.drain()
      expect(second.succeed()).toEqual([])
      await client.receive(/id: 9\n\n\r\n$/)
      expect(await second.drainNext(third.target)).toMatchObject({
        eventStreams: { handedOver: 1 },
      })
      expect(third.succeed()).toEqual([])
      expect(await client.receive(/9\n\n\r\n$/)).toBe(chunk('data: third after 9\n\n'))
    })

    it('leaves its connection usable: the next request on it is a new one', async () => {
      const seen: boolean[] = []
      const { open, drain, succeed } = await restart((request, response) => {
        seen.push(isContinued(request))
        if (request.url === '/events') response.writeHead(200, STREAM)
        response.end('end')
      })
      const { client } = await open()
      await client.receive(/first\n\n\r\n$/)
      await drain()
      succeed()
      expect(await client.receive(/0\r\n\r\n$/)).toBe(`${chunk('end')}0\r\n\r\n`)
      client.send('GET /other HTTP/1.1\r\nHost: x\r\n\r\n')
      expect(await client.receive(/end$/)).toMatch(/^HTTP\/1.1 200 OK/)
      expect(seen).toEqual([true, false])
    })

    it.each([
      ['where a router took a part of its URL away', (request: IncomingMessage) => request],
      [
        'where it is in an object of a framework',
        (req: IncomingMessage) => ({ req, originalUrl: '/api/events' }),
      ],
    ])('is requested again with the URL that the client sent, %s', async (_, given) => {
      let seen: string | undefined
      const { open, drain, succeed } = await restart(
        (request, response) => {
          seen = request.url
          response.writeHead(200, STREAM).end()
        },
        ({ request, response }) => {
          response.writeHead(200, STREAM)
          Object.assign(request, { originalUrl: request.url, url: '/events' })
          handOverEventStream(given(request), response)
          response.write('data: x\n\n')
        },
      )
      const { client } = await open('GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n')
      await client.receive(/data: x/)
      await drain()
      succeed()
      await client.receive(/0\r\n\r\n$/)
      expect(seen).toBe('/api/events')
    })

    it('leaves bytes that the client sends meanwhile to the next process', async () => {
      const { open, drain, succeed } = await restart((request, response) => {
        if (request.url === '/events') response.writeHead(200, STREAM)
        response.end(request.url)
      })
      const { client } = await open()
      await client.receive(/first\n\n\r\n$/)
      const drained = drain()
      client.send('GET /pipelined HTTP/1.1\r\nHost: x\r\n\r\n')
      await drained
      succeed()
      await client.receive(/\/pipelined$/)
    })

    it('without chunks, for a client of HTTP/1.0, goes on too', async () => {
      const { open, drain, succeed } = await restart((_, response) => {
        response.writeHead(200, STREAM)
        response.end('data: next\n\n')
      })
      const { client } = await open('GET /events HTTP/1.0\r\n\r\n')
      await client.receive(/first\n\n$/)
      await drain()
      succeed()
      await client.closed
      expect(client.text).toBe('data: next\n\n')
    })

    it('goes on before its first event, also where a framework has written an empty line', async () => {
      const first = ({ request, response }: Stream): void => {
        response.writeHead(200, STREAM).flushHeaders()
        handOverEventStream(request, response)
        response.write('\n')
      }
      const { open, drain } = await restart(() => {}, first)
      const { client } = await open()
      await client.receive(/\r\n\r\n1\r\n\n\r\n$/)
      expect(await drain()).toMatchObject({ eventStreams: { handedOver: 1 } })
    })

    it('goes in a second batch when others fill the first', async () => {
      const { open, drain, target } = await restart(
        () => {},
        ({ request, response }) => {
          response.writeHead(200, STREAM)
          const replay = Buffer.alloc(7 * 1024 * 1024)
          const continuation = { kind: 'eventStreams', replay, refusal: replay, responseHead: '' }
          const [suspend, resume, handedOver] = [() => {}, () => {}, () => {}]
          const capture = (): Continuation => continuation as Continuation
          handOverConnection(request.socket, { suspend, capture, handedOver, resume })
          response.write('data: x\n\n')
        },
      )
      for (let n = 0; n < 4; n += 1) {
        const { client } = await open()
        await client.receive(/data: x\n\n\r\n$/)
      }
      expect(await drain()).toMatchObject({ eventStreams: { handedOver: 4 } })
      expect(target.batches).toEqual([3, 1])
    })

    it('is handed over when its event is complete', async () => {
      const { open, drain, succeed } = await restart(
        (_, response) => void response.writeHead(200, STREAM).write('data: next\n\n'),
        ({ request, response }) => {
          response.writeHead(200, STREAM)
          handOverEventStream(request, response)
          response.write('data: be')
        },
      )
      const { client, stream } = await open()
      const drained = drain()
      await client.receive(/data: be\r\n$/)
      stream.response.write('gun\n\n')
      expect(await drained).toMatchObject({ eventStreams: { handedOver: 1 } })
      succeed()
      expect(await client.receive(/next\n\n\r\n$/)).toBe(chunk('gun\n\n') + chunk('data: next\n\n'))
    })

    it('waits while connections from before the drain block the hand-over', async () => {
      const { open, drain, target } = await restart(() => {})
      const { client } = await open()
      await client.receive(/first\n\n\r\n$/)
      const release = target.barrier.hold()
      const drained = drain()
      // The drain has sorted its connections, and looked once.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      expect(target.kept).toEqual([])
      release()
      expect(await drained).toMatchObject({ eventStreams: { handedOver: 1 } })
    })

    describe('stays and ends', () => {
      const ended = { eventStreams: { closed: 1, handedOver: 0, cut: 0 } }
      const GZIP = { ...STREAM, 'content-encoding': 'gzip' }

      it.each([
        [
          'of a request with a body',
          STREAM,
          'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1',
          'the request had a body',
        ],
        ['that is compressed', GZIP, undefined, 'it is compressed'],
      ])('%s', async (_, headers, head, reason) => {
        const { open, drain, target, warn } = await restart(
          () => {},
          ({ request, response }) => {
            request.resume()
            response.writeHead(200, headers)
            handOverEventStream(request, response)
            response.write('data: x\n\n')
          },
        )
        const { client } = await open(head)
        await client.receive(/data: x\n\n\r\n$/)
        expect(await drain()).toMatchObject(ended)
        expect(target.kept).toEqual([])
        expect(client.text).toBe('0\r\n\r\n')
        const warning = `not every connection goes on in the next process: 1 connection: ${reason}`
        expect(warn).toHaveBeenCalledWith(warning)
      })

      it.each([
        ['a request', get('/other'), ''],
        ['a part of a request', 'GET /ot', 'her HTTP/1.1\r\nHost: x\r\n\r\n'],
      ])('with %s behind it, which this process answers', async (_, behind, rest) => {
        const { open, drain, target, warn } = await restart(
          () => {},
          ({ request, response }) => {
            if (request.url === '/other') return void response.end('other')
            response.writeHead(200, STREAM)
            handOverEventStream(request, response)
            response.write('data: x\n\n')
          },
        )
        const { client, stream } = await open(get('/events') + behind)
        await client.receive(/data: x\n\n\r\n$/)
        // Both came in one packet, and were read at once.
        expect(hasNextRequest(stream.request.socket, stream.request)).toBe(true)
        const drained = drain()
        expect(await client.receive(/0\r\n\r\n/)).toMatch(/^0\r\n\r\n/)
        client.send(rest)
        expect(await drained).toMatchObject({ ...ended, served: 2 })
        expect(target.kept).toEqual([])
        expect(warn.mock.calls.flat().join()).toContain('a request has come behind it')
      })

      it('that answers HEAD, which has no events', async () => {
        const { open, drain, target, warn } = await restart(
          () => {},
          ({ request, response }) => {
            response.writeHead(200, STREAM).flushHeaders()
            handOverEventStream(request, response)
          },
        )
        const { client } = await open('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n')
        await client.receive(/\r\n\r\n$/)
        expect(await drain()).toMatchObject(ended)
        expect([target.kept, client.text, warn.mock.calls]).toEqual([[], '', []])
      })

      it('whose event is not completed', async () => {
        const { open, drain, warn } = await restart(
          () => {},
          ({ request, response }) => {
            response.writeHead(200, STREAM)
            handOverEventStream(request, response)
            response.write('data: half')
          },
        )
        const { client } = await open()
        await client.receive(/half\r\n$/)
        expect(await drain()).toMatchObject(ended)
        expect(warn.mock.calls.flat().join()).toContain('it did not come to rest within 4500 ms')
      })

      it('not before it was read for a while, if it can be captured only then', async () => {
        const calls: string[] = []
        let isRead = false
        const { open, drain, target, warn } = await restart(
          () => {},
          ({ request, response }) => {
            response.writeHead(200, STREAM)
            response.write('data: x\n\n')
            handOverConnection(request.socket, {
              suspend: () => calls.push('suspend'),
              capture: () =>
                isRead
                  ? {
                      kind: 'eventStreams',
                      replay: Buffer.from(''),
                      responseHead: 'HTTP/1.1 200 OK',
                      refusal: Buffer.from(''),
                    }
                  : undefined,
              resume() {
                calls.push('resume')
                isRead = true
              },
              handedOver: () => calls.push('handedOver'),
            })
          },
        )
        const { client } = await open()
        await client.receive(/data: x/)
        expect(await drain()).toMatchObject({ eventStreams: { handedOver: 1, closed: 0 } })
        expect(calls).toEqual(['suspend', 'resume', 'suspend', 'handedOver'])
        expect([target.kept.length, warn.mock.calls]).toEqual([1, []])
      })

      it('whose attachment cannot be copied', async () => {
        const { open, drain, warn } = await restart(
          () => {},
          ({ request, response }) => {
            response.writeHead(200, STREAM)
            handOverEventStream(request, response, {
              attachment: () => ({ socket: request.socket }),
            })
            response.write('data: x\n\n')
          },
        )
        const { client } = await open()
        await client.receive(/data: x/)
        expect(await drain()).toMatchObject(ended)
        expect(warn.mock.calls.flat().join()).toContain('attachment.socket is a Socket')
      })

      it('if the queue takes no more', async () => {
        const { open, drain, target, warn } = await restart(() => {})
        target.accepts = false
        const { client } = await open()
        await client.receive(/first\n\n\r\n$/)
        expect(await drain()).toMatchObject(ended)
        expect(client.text).toBe('0\r\n\r\n')
        expect(warn.mock.calls.flat().join()).toContain(
          'the queue to the next process takes no more',
        )
      })

      it('in the quick form', async () => {
        const { open, target } = await restart(() => {})
        const { client, stream } = await open()
        await client.receive(/first\n\n\r\n$/)
        const { server } = stream.request.socket as Socket & { server: Server }
        const drain = new ServerDrain(server, resolveDrain({}))
        await drain.begin({ quick: true, findTarget: async () => target })
        expect(target.kept).toEqual([])
      })

      it('if the program has not called handOverEventStream', async () => {
        const { open, drain, target, warn } = await restart(
          () => {},
          ({ response }) => void response.writeHead(200, STREAM).write('data: x\n\n'),
        )
        const { client } = await open()
        await client.receive(/data: x\n\n\r\n$/)
        expect(await drain()).toMatchObject(ended)
        expect(target.kept).toEqual([])
        expect(warn).not.toHaveBeenCalled()
      })
    })

    describe('ends properly where the next program', () => {
      it.each<[string, RequestListener, RegExp]>([
        [
          'refuses the request',
          (_, response) => response.writeHead(401).end('no'),
          /it answered with 401, .*the client has 200/,
        ],
        [
          'answers with a page',
          (_, response) => response.end('<html>'),
          /it answered with 200, content-length: 6/,
        ],
        [
          'answers with another type',
          (_, response) =>
            void response.writeHead(200, { 'content-type': 'text/plain' }).write('x'),
          /text\/plain/,
        ],
        ['ends the connection', (request) => void request.socket.end(), /it ended the connection/],
        [
          'ends it with bytes',
          (request) => void request.socket.end('HTTP/1.1 401 No\r\n\r\n'),
          /it answered with 401/,
        ],
        [
          'destroys the connection',
          (request) => void request.socket.destroy(),
          /it closed the connection/,
        ],
        [
          'writes no HTTP',
          (request) => void request.socket.write('hello\r\n\r\n'),
          /it answered with hello/,
        ],
      ])('%s', async (_, next, reason) => {
        const { open, drain, succeed } = await restart(next)
        const { client } = await open()
        await client.receive(/first\n\n\r\n$/)
        await drain()
        const refusals = succeed()
        await client.closed
        // No byte of another response, and no reset.
        expect([client.text, client.error]).toEqual(['0\r\n\r\n', undefined])
        expect(refusals).toEqual([expect.stringMatching(reason)])
      })

      it('destroys the connection, which closes only when its client was told', async () => {
        let destroyed: boolean | undefined
        const { open, drain, succeed } = await restart(({ socket }) => {
          destroyed = socket.destroy().destroyed
        })
        const { client } = await open()
        await client.receive(/first\n\n\r\n$/)
        await drain()
        succeed()
        await client.closed
        expect([destroyed, client.text]).toEqual([false, '0\r\n\r\n'])
      })

      it('throws', async () => {
        const error = new Error('of the program')
        const { open, drain, succeed } = await restart(() => {
          throw error
        })
        const { client } = await open()
        await client.receive(/first\n\n\r\n$/)
        await drain()
        const thrown = new Promise((resolve) => {
          const others = process.listeners('uncaughtException')
          process.removeAllListeners('uncaughtException')
          process.once('uncaughtException', (each) => {
            for (const other of others) process.on('uncaughtException', other)
            resolve(each)
          })
        })
        succeed()
        expect(await thrown).toBe(error)
      })
    })

    it('goes on after interim responses', async () => {
      const { open, drain, succeed } = await restart((_, response) => {
        response.writeContinue()
        response.writeEarlyHints({ link: '</a>; rel=preload' })
        response.writeHead(200, STREAM).write('data: next\n\n')
      })
      const { client } = await open()
      await client.receive(/first\n\n\r\n$/)
      await drain()
      expect(succeed()).toEqual([])
      expect(await client.receive(/next\n\n\r\n$/)).toBe(chunk('data: next\n\n'))
    })

    it('may be answered later, with the head in a write of its own', async () => {
      const { open, drain, succeed } = await restart((_, response) => {
        setImmediate(() => {
          response.writeHead(200, STREAM).flushHeaders()
          setImmediate(() => response.write('data: late\n\n'))
        })
      })
      const { client } = await open()
      await client.receive(/first\n\n\r\n$/)
      await drain()
      expect(succeed()).toEqual([])
      expect(await client.receive(/late\n\n\r\n$/)).toBe(chunk('data: late\n\n'))
    })
  },
)
