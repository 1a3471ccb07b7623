import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { serve } from '@socket-port/core'
import { type Continuable, type Continuation, continuableOf } from '@socket-port/core/adapter'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { continueWebSockets } from './continue-web-sockets.ts'
import { handOverWebSockets } from './index.ts'
import { receivedBy } from './internals.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** No event says that a stream which does not flow has read something. */
const UNTIL = { timeout: 20_000, interval: 1 }

interface Open {
  /** That of the program. */
  ws: WebSocket
  client: WebSocket
  socket: Socket
  /** Absent where the drain would close the connection. */
  continuable: Continuable | undefined
}

/** Opens a WebSocket of a server that is served. */
async function open(
  prepare: (server: Server) => WebSocketServer,
  { path = '/room?token=1', deflate = false } = {},
): Promise<Open> {
  const server = createServer()
  const sockets = prepare(server)
  const service = await serve(server, { port: 0, host: '127.0.0.1', signals: false })
  cleanups.push(() => service.close({ quick: true }))
  const connected = once(sockets, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${service.port}${path}`, {
    perMessageDeflate: deflate,
  })
  cleanups.push(() => client.terminate())
  const [ws, request] = (await connected) as [WebSocket, IncomingMessage]
  await once(client, 'open')
  // It may not be read any more, and would not notice that the client leaves.
  cleanups.push(() => request.socket.destroy())
  return { ws, client, socket: request.socket, continuable: continuableOf(request.socket) }
}

/** Whether a frame of a message has been read that is not the last one. */
const isHalf = (ws: WebSocket): boolean => (receivedBy(ws)?.fragmented ?? 0) !== 0

/** What is captured when the connection has come to rest. */
async function capture({ continuable }: Open): Promise<Continuation | string> {
  if (continuable === undefined) throw new Error('nothing continues it')
  continuable.suspend()
  for (;;) {
    const captured = continuable.capture()
    if (captured !== undefined) return captured
    await new Promise(setImmediate)
  }
}

async function captured(opened: Open): Promise<Continuation> {
  const continuation = await capture(opened)
  if (typeof continuation === 'string') throw new Error(`it stays: ${continuation}`)
  return continuation
}

const withDefaults = (server: Server): WebSocketServer => {
  handOverWebSockets(server)
  return new WebSocketServer({ server })
}

/** Sends a message, and waits until the program has it. */
async function tell({ client, ws }: Open, message: string): Promise<void> {
  const heard = once(ws, 'message')
  client.send(message)
  await heard
}

describe('handOverWebSockets', () => {
  it('passes the request, the response and what is unread', async () => {
    const opened = await open(withDefaults)
    const { kind, replay, responseHead, refusal, attachment } = await captured(opened)
    const text = Buffer.from(replay).toString()
    expect(text).toMatch(/^GET \/room\?token=1 HTTP\/1.1\r\n.*\r\nUpgrade: websocket\r\n/s)
    expect(text.indexOf('\r\n\r\n')).toBe(text.length - 4)
    expect([kind, attachment]).toEqual(['webSockets', undefined])
    expect(responseHead).toMatch(/^HTTP\/1.1 101 /)
    expect([...refusal]).toEqual([0x88, 2, 1012 >> 8, 1012 & 0xff])
  })

  it('may be called after the WebSocketServer was made, and after listen', async () => {
    const plain = await open((each) => new WebSocketServer({ server: each }))
    expect(plain.continuable).toBeUndefined()
    const later = await open((each) => {
      const sockets = new WebSocketServer({ server: each })
      each.once('listening', () => handOverWebSockets(each))
      return sockets
    })
    expect(await captured(later)).toMatchObject({ kind: 'webSockets' })
  })

  it('passes what the attachment function returns, with the WebSocket and its request', async () => {
    const opened = await open((server) => {
      handOverWebSockets(server, {
        attachment: (ws, { url }) => ({ url, user: Reflect.get(ws, 'user') }),
      })
      return new WebSocketServer({ server })
    })
    Object.assign(opened.ws, { user: 'Ada' })
    expect((await captured(opened)).attachment).toEqual({ url: '/room?token=1', user: 'Ada' })
  })

  it('waits for an async attachment, and asks once', async () => {
    const attachment = vi.fn(async () => {
      await new Promise(setImmediate)
      return 7
    })
    const opened = await open((server) => {
      handOverWebSockets(server, { attachment })
      return new WebSocketServer({ server })
    })
    expect((await captured(opened)).attachment).toBe(7)
    expect(attachment).toHaveBeenCalledTimes(1)
  })

  it('asks again if a message was emitted while the attachment was made', async () => {
    const seen: number[] = []
    let count = 0
    let answer: (() => void) | undefined
    const opened = await open((server) => {
      handOverWebSockets(server, {
        attachment: async () => {
          seen.push(count)
          const answered = new Promise<void>((resolve) => {
            answer = resolve
          })
          if (seen.length === 1) await answered
          return count
        },
      })
      return new WebSocketServer({ server })
    })
    const { ws, client, socket, continuable } = opened
    ws.on('message', () => {
      count += 1
    })
    // The program has stopped its messages, so this one is read by the stream, and not by `ws`.
    ws.pause()
    client.send('held')
    await vi.waitUntil(() => socket.readableLength > 0, UNTIL)
    continuable?.suspend()
    expect(continuable?.capture()).toBeUndefined()
    ws.resume()
    await once(ws, 'message')
    answer?.()
    expect((await captured(opened)).attachment).toBe(1)
    expect(seen).toEqual([0, 1])
  })

  it('asks again if it was read on before the attachment was there', async () => {
    let times = 0
    const opened = await open((server) => {
      handOverWebSockets(server, { attachment: async () => ++times })
      return new WebSocketServer({ server })
    })
    opened.continuable?.suspend()
    expect(opened.continuable?.capture()).toBeUndefined()
    opened.continuable?.resume()
    expect((await captured(opened)).attachment).toBe(2)
  })

  it('names the error of the attachment function', async () => {
    const failing = await open((server) => {
      handOverWebSockets(server, { attachment: () => Promise.reject(new Error('no database')) })
      return new WebSocketServer({ server })
    })
    expect(await capture(failing)).toBe('its attachment failed: Error: no database')
  })

  it.each([null, {}])('refuses %j for a server', (server) => {
    expect(() => handOverWebSockets(server as never)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_PORT_INVALID_OPTION' }),
    )
  })

  it('warns at the first WebSocket of another version of ws that none is handed over', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    class Other extends WebSocket {
      override emit(event: string, ...args: unknown[]): boolean {
        if (event === 'open')
          Reflect.deleteProperty(Reflect.get<object, string>(this, '_sender') as object, '_queue')
        return super.emit(event, ...args)
      }
    }
    for (let times = 0; times < 2; times++) {
      await open((server) => {
        handOverWebSockets(server)
        return new WebSocketServer({ server, WebSocket: Other })
      })
    }
    expect(warned.mock.calls).toEqual([
      [
        expect.stringMatching(/^this version of ws differs .* \(_sender._queue\)/),
        { code: 'SOCKET_PORT_WS_VERSION' },
      ],
    ])
    warned.mockRestore()
  })

  it('refuses an attachment that is not a function, and shows an example', () => {
    const call = () => handOverWebSockets(createServer(), { attachment: {} as never })
    expect(call).toThrow(/must be a function \(got object\); pass \{ attachment: \(ws, request\)/)
  })
})

describe('a WebSocket stays', () => {
  it('while the program sends a message in fragments', async () => {
    const opened = await open(withDefaults)
    opened.ws.send('first', { fin: false })
    opened.continuable?.suspend()
    await new Promise(setImmediate)
    expect(opened.continuable?.capture()).toBeUndefined()
    expect(opened.continuable?.waitsFor).toBe('what it was sent')
    opened.ws.send('last', { fin: true })
    await captured(opened)
  })

  it('while its client has not read what it was sent', async () => {
    const opened = await open(withDefaults)
    opened.client.pause()
    // More than the kernel takes for a client that does not read.
    while (opened.socket.writableLength === 0) opened.ws.send(Buffer.alloc(1024 * 1024))
    opened.continuable?.suspend()
    expect(opened.continuable?.capture()).toBeUndefined()
    opened.client.resume()
    await captured(opened)
  })

  it('while the rest of a compressed message is to come, and is read on', async () => {
    const opened = await open(
      (server) => {
        handOverWebSockets(server)
        const perMessageDeflate = { threshold: 0, clientNoContextTakeover: true }
        return new WebSocketServer({ server, perMessageDeflate })
      },
      { deflate: true },
    )
    // Shorter ones are not compressed.
    await tell(opened, 'x'.repeat(2000))
    opened.client.send('y'.repeat(2000), { fin: false })
    await vi.waitUntil(() => isHalf(opened.ws), UNTIL)
    opened.continuable?.suspend()
    expect(opened.continuable?.capture()).toBeUndefined()
    expect(opened.continuable?.waitsFor).toBe('the rest of a compressed message')
    await tell(opened, 'last')
    await captured(opened)
  })

  it('when it closes', async () => {
    const opened = await open(withDefaults)
    opened.ws.close()
    expect(await capture(opened)).toBe('it is closing')
  })

  it('when its client has compressed a message with context takeover', async () => {
    const opened = await open(
      (server) => {
        handOverWebSockets(server)
        return new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } })
      },
      { deflate: true },
    )
    // Until then there is no context.
    await captured(opened)
    opened.continuable?.resume()
    await tell(opened, 'x'.repeat(5000))
    expect(await capture(opened)).toBe('its client compresses with context takeover')
  })

  it('when it is of another version of ws', async () => {
    const opened = await open(withDefaults)
    const _receiver: unknown = Reflect.get(opened.ws, '_receiver')
    Object.assign(opened.ws, { _receiver: { _state: 0 } })
    expect(await capture(opened)).toBe('its version of ws is not known (_receiver._fin)')
    Object.assign(opened.ws, { _receiver })
  })

  it('when a protocol returns a reason, whichever was set first', async () => {
    const protocol = { capture: () => 'its protocol says so' }
    const calls = [
      (server: Server) => handOverWebSockets(server),
      (server: Server) => void continueWebSockets(server, () => protocol),
    ]
    for (const each of [calls, calls.toReversed()]) {
      const opened = await open((server) => {
        for (const call of each) call(server)
        return new WebSocketServer({ server })
      })
      expect(await capture(opened)).toBe('its protocol says so')
    }
  })
})

describe('a handshake', () => {
  it('that takes long is waited for', async () => {
    let answer: (() => void) | undefined
    let asked: ((socket: Socket) => void) | undefined
    const upgraded = new Promise<Socket>((resolve) => {
      asked = resolve
    })
    const opening = open((server) => {
      handOverWebSockets(server)
      const sockets = new WebSocketServer({ noServer: true })
      server.on('upgrade', (request, socket, head) => {
        asked?.(socket as Socket)
        answer = () =>
          sockets.handleUpgrade(request, socket, head, (ws) => {
            sockets.emit('connection', ws, request)
          })
      })
      return sockets
    })
    const continuable = continuableOf(await upgraded)
    continuable?.suspend()
    expect(continuable?.capture()).toBeUndefined()
    expect(continuable?.waitsFor).toBe('its handshake')
    answer?.()
    expect(await captured(await opening)).toMatchObject({ kind: 'webSockets' })
  })

  it('that the program refuses is not handed over', async () => {
    const server = createServer()
    handOverWebSockets(server)
    const sockets: Socket[] = []
    server.on('upgrade', (_, socket) => {
      sockets.push(socket as Socket)
      socket.write('HTTP/1.1 401 Unauthorized\r\n\r\n')
      socket.end()
    })
    const service = await serve(server, { port: 0, host: '127.0.0.1', signals: false })
    cleanups.push(() => service.close({ quick: true }))
    const [error] = await once(new WebSocket(`ws://127.0.0.1:${service.port}`), 'error')
    expect(String(error)).toMatch('401')
    const [socket] = sockets
    expect(socket && continuableOf(socket)).toBeUndefined()
  })
})

describe('handed over', () => {
  it('it emits handover and not close, and its server no longer has it', async () => {
    let sockets: WebSocketServer | undefined
    const opened = await open((server) => {
      sockets = withDefaults(server)
      return sockets
    })
    const said: string[] = []
    for (const event of ['close', 'error', 'message', 'handover']) {
      opened.ws.on(event, () => said.push(event))
    }
    await captured(opened)
    opened.continuable?.handedOver()
    expect([said, sockets?.clients.size, opened.ws.readyState]).toEqual([['handover'], 0, 3])
    opened.socket.destroy()
    await once(opened.socket, 'close')
    const error = await new Promise((resolve) => opened.ws.send('late', resolve))
    expect(String(error)).toMatch('not open')
    opened.ws.ping()
    opened.ws.terminate()
    expect(said).toEqual(['handover'])
  })

  it('the program gets no unread message a second time', async () => {
    const opened = await open(withDefaults)
    const messages: string[] = []
    opened.ws.on('message', (data) => messages.push(String(data)))
    opened.ws.pause()
    opened.client.send('unread')
    await vi.waitUntil(() => opened.socket.readableLength > 0, UNTIL)
    const { replay } = await captured(opened)
    expect(Buffer.from(replay).length).toBeGreaterThan(0)
    opened.continuable?.handedOver()
    opened.socket.destroy()
    await once(opened.socket, 'close')
    expect(messages).toEqual([])
  })
})
