import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, connect, createServer as createNet, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import type { AnyServer } from '../../base/types.ts'
import { Connections } from '../connections.ts'
import type { DrainContext } from './protocol.ts'
import { ServerProtocols } from './server-protocols.ts'

const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup()
})

/** What the drain is told, in order. */
interface Told extends DrainContext {
  readonly reported: string[]
}

function context(options: Partial<DrainContext> = {}): Told {
  const reported: string[] = []
  return {
    reported,
    quick: false,
    idleTimeout: 500,
    timeout: 25_000,
    staysOpen: () => false,
    idle: (_, promise) => void reported.push(`idle for ${promise}`),
    busy: () => void reported.push('busy'),
    answered: () => void reported.push('answered'),
    expire: () => void reported.push('expire'),
    webSocketCode: 1001,
    closeGrace: 2_000,
    streamTimeout: undefined,
    leavesStreams: false,
    longLived: (_, kind, end) => void reported.push(`${kind}${end ? '' : ', left to the program'}`),
    asked: () => void reported.push('asked'),
    ended: () => void reported.push('ended'),
    warn: (message) => void reported.push(message),
    ...options,
  }
}

async function listening<S extends AnyServer>(server: S, path?: string) {
  const connections = new Connections(server)
  server.listen(path === undefined ? { port: 0 } : { path })
  await once(server, 'listening')
  cleanups.push(() => {
    server.close()
    connections.destroy()
    connections.stop()
  })
  const { port } = server.address() as AddressInfo
  const open = async (): Promise<RawConnection> => {
    const accepted = once(server, 'connection')
    const client = await RawConnection.open(port)
    cleanups.push(() => client.close())
    await accepted
    return client
  }
  return { server, connections, port, open }
}

/** The only connection, and its protocol in a drain that begins now. */
function only(connections: Connections, told: Told = context()) {
  const [socket] = [...connections] as [Socket]
  const protocols = new ServerProtocols(connections, told)
  cleanups.push(() => protocols.stop())
  const protocol = protocols.of(socket)
  return {
    socket,
    protocol,
    acceptsNew: protocols.acceptsNew,
    name: protocol.constructor.name,
    state: protocol.stateOf(socket),
    mayTransfer: protocol.mayTransfer(socket),
    reported: told.reported,
  }
}

const answer: RequestListener = (request, response) => void response.end(request.url)

describe('a connection of an HTTP/1.1 server', () => {
  it('is idle before its first request, and was promised nothing', async () => {
    const { connections, open } = await listening(createServer({ keepAliveTimeout: 20 }, answer))
    await open()
    const { protocol, socket, reported, ...now } = only(connections)
    expect(now).toEqual({ name: 'Http1', state: 'idle', mayTransfer: true, acceptsNew: true })
    protocol.askToLeave(socket)
    expect(reported).toEqual(['idle for 500'])
  })

  it('is idle after a response, and was promised the time that the server keeps it', async () => {
    const { connections, open } = await listening(createServer({ keepAliveTimeout: 20 }, answer))
    const client = await open()
    client.send(get('/first'))
    await client.receive(/\/first$/)
    const { protocol, socket, reported, state } = only(connections)
    expect(state).toBe('idle')
    protocol.askToLeave(socket)
    expect(reported).toEqual(['idle for 20'])
  })

  it('is receiving with half a header, and not idle', async () => {
    const { connections, open } = await listening(createServer(answer))
    const client = await open()
    const [socket] = [...connections] as [Socket]
    const parsed = once(socket, 'data')
    client.send('GET /half HT')
    await parsed
    const { protocol, state, reported } = only(connections)
    expect(state).toBe('receiving')
    protocol.askToLeave(socket)
    expect(reported).toEqual([])
  })

  it('is answering until its response, its last one, is sent', async () => {
    const { server, connections, open } = await listening(createServer())
    const client = await open()
    const requested = once(server, 'request')
    client.send(get('/held'))
    const [, response] = (await requested) as [unknown, ServerResponse]
    const { protocol, socket, reported, state } = only(connections)
    expect(state).toBe('answering')
    protocol.askToLeave(socket)
    expect(reported).toEqual(['busy'])
    response.end('held')
    expect(await client.receive(/held$/)).toMatch(/connection: close/i)
    await client.closed
    // It is about to close, which an HTTP response does not tell.
    expect(reported).toEqual(['busy', 'answered', 'idle for 500'])
  })

  it('with an event stream does not end by itself, and is asked to end', async () => {
    const { connections, open } = await listening(
      createServer((_, response) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n')
      }),
    )
    const client = await open()
    client.send(get('/'))
    await client.receive(/data: 1/)
    const { protocol, socket, reported } = only(connections, context({ quick: true }))
    protocol.askToLeave(socket)
    expect(reported).toEqual(['busy', 'eventStreams'])
  })

  it('speaks another protocol from its upgrade on', async () => {
    const server = createServer().on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    })
    const { connections, open } = await listening(server)
    const client = await open()
    client.send(get('/', 'Connection: Upgrade', 'Upgrade: chat'))
    await client.receive(/ 101 /)
    const { protocol, socket, reported, ...now } = only(connections)
    expect(now).toEqual({
      name: 'Upgraded',
      state: 'unknown',
      mayTransfer: false,
      acceptsNew: true,
    })
    protocol.askToLeave(socket)
    expect(reported).toEqual(['tunnels, left to the program'])
  })

  it('does not go to the next process on a unix socket', async () => {
    const path = join(tmpdir(), `server-protocols-${process.pid}.sock`)
    const { server, connections } = await listening(createServer(answer), path)
    const accepted = once(server, 'connection')
    const client = connect(path)
    cleanups.push(() => client.destroy())
    await accepted
    expect(only(connections)).toMatchObject({ name: 'Http1', state: 'idle', mayTransfer: false })
  })
})

it('a connection of an HTTPS server is first a handshake, and does not go to the next process', async () => {
  const { server, connections, open, port } = await listening(createHttps({ key, cert }, answer))
  const silent = await open()
  const { protocol, socket, reported, ...now } = only(connections)
  expect(now).toEqual({ name: 'Handshake', state: 'idle', mayTransfer: false, acceptsNew: true })
  protocol.askToLeave(socket)
  expect(reported).toEqual(['idle for 500'])
  const closed = once(socket, 'close')
  silent.close()
  await closed
  const secured = once(server, 'secureConnection')
  const client = await RawConnection.openTls(port, cert)
  cleanups.push(() => client.close())
  await secured
  expect(only(connections)).toMatchObject({ name: 'Http1', state: 'idle', mayTransfer: false })
})

it('an HTTP/2 session is asked to leave when the drain begins', async () => {
  const { server, connections, port } = await listening(createHttp2())
  const opened = once(server, 'session')
  const session = connectHttp2(`http://localhost:${port}`)
  const ended = once(session, 'close')
  await opened
  const { protocol, socket, reported, ...now } = only(connections)
  expect(now).toEqual({ name: 'Http2', state: 'unknown', mayTransfer: false, acceptsNew: true })
  await ended
  expect(reported).toEqual([])
})

it.each([
  ['is left to the program', false, []],
  ['is closed by the quick form', true, ['expire']],
])('a connection of a protocol that is unknown here %s', async (_, quick, expected) => {
  const { connections, open } = await listening(createNet())
  await open()
  const { protocol, socket, reported, ...now } = only(connections, context({ quick }))
  expect(now).toEqual({ name: 'Tcp', state: 'unknown', mayTransfer: false, acceptsNew: false })
  protocol.askToLeave(socket)
  expect(reported).toEqual(expected)
})
