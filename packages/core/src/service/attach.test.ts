import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { receiver } from '../handover/receiver.ts'
import { onShutdown, shutdown } from '../lifecycle/shutdown.ts'
import { type Attached, type AttachParts, attach, serviceOf } from './attach.ts'
import type { AttachOptions } from './options.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()))
})

interface Fixture {
  server: Server
  attached: Attached<Server>
}

function fixture(options: AttachOptions = {}, parts?: AttachParts): Fixture {
  const server = createServer((request, response) => void response.end(request.url))
  const attached = attach(server, { signals: false, exit: false, ...options }, parts)
  cleanups.push(() => attached.drain())
  return { server, attached }
}

const port = (server: Server): number => (server.address() as AddressInfo).port

const closed = (server: Server): Promise<Error | undefined> =>
  new Promise((resolve) => server.close(resolve))

describe('a server that listens already', () => {
  it('receives connections of the previous process, and hands over its own', async () => {
    const server = createServer().listen(0)
    await once(server, 'listening')
    const join = vi.spyOn(receiver(), 'join')
    const attached = attach(server, { signals: false, exit: false })
    cleanups.push(() => attached.drain())
    expect(join).toHaveBeenCalledWith(server)
  })
})

describe('listen', () => {
  it('returns the server, listens at once as Node does, and calls back once', async () => {
    const { server, attached } = fixture()
    const callback = vi.fn()
    expect(server.listen(0, callback)).toBe(server)
    expect(server.listening).toBe(true)
    expect(port(server)).toBeGreaterThan(0)
    await once(server, 'listening')
    expect(callback).toHaveBeenCalledOnce()
    expect(attached.service).toMatchObject({ source: 'bound', state: 'ready' })
  })

  it('takes a path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'attach-'))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    const { server } = fixture()
    const path = join(folder, 'app.sock')
    server.listen(path)
    await once(server, 'listening')
    expect(server.address()).toBe(path)
  })

  it('on a busy port emits one error, which names the process that holds it', async () => {
    const holder = createNetServer().listen(0)
    await once(holder, 'listening')
    cleanups.push(() => holder.close())
    const { server } = fixture()
    const heard = vi.fn()
    server.on('error', heard)
    server.listen(port(holder as Server))
    await once(server, 'error')
    await new Promise(setImmediate)
    expect(heard).toHaveBeenCalledOnce()
    expect(heard.mock.calls[0]?.[0]).toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('this process itself'),
    })
  })

  it('with inherit: require emits the error if no socket was passed', async () => {
    const { server } = fixture({ inherit: 'require' })
    server.listen(0)
    const [error] = await once(server, 'error')
    expect(error.code).toBe('ERR_SOCKET_PORT_NOT_INHERITED')
  })

  it.each([65_536, -1, 1.5])('leaves the port %j to Node, which throws', (wrong) => {
    const { server } = fixture()
    expect(() => server.listen(wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_BAD_PORT' }),
    )
  })

  it('is refused a second time, as by Node', async () => {
    const { server } = fixture()
    server.listen(0)
    expect(() => server.listen(0)).toThrow(
      expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }),
    )
  })

  it('refuses wrong options where they are given', () => {
    const wrong = { name: '' } as AttachOptions
    expect(() => attach(createServer(), wrong)).toThrow(/name must be/)
  })

  it.each([
    [{ port: 8080 }, /no option of an attached server "port"; known are name, /],
    [{ host: '::1' }, /"host"/],
    [8080, /options must be an object; the port goes to listen\(\) \(got 8080\)/],
    [null, /options must be an object/],
  ])('refuses %j, which belongs to the call of listen', (wrong, message) => {
    expect(() => attach(createServer(), wrong as AttachOptions)).toThrow(message)
  })
})

describe('serviceOf', () => {
  it('finds the service of an attached server once it has been told to listen', () => {
    const { server, attached } = fixture()
    expect(serviceOf(server)).toBeUndefined()
    server.listen(0)
    expect(serviceOf(server)).toBe(attached.service)
  })

  it('finds no service of other servers', () => {
    expect(serviceOf(createServer())).toBeUndefined()
  })
})

describe('close', () => {
  it('drains: an idle connection is served once more', async () => {
    const { server } = fixture()
    server.listen(0)
    await once(server, 'listening')
    const client = await RawConnection.open(port(server))
    client.send(get('/first'))
    await client.receive(/\/first$/)
    const done = closed(server)
    client.send(get('/again'))
    expect(await client.receive(/\/again$/)).toMatch(/connection: close/i)
    expect(await done).toBeUndefined()
    expect(server.listening).toBe(false)
  })

  it('emits close once, also after a drain that other code has started', async () => {
    const { server, attached } = fixture()
    const heard = vi.fn()
    server.on('close', heard)
    server.listen(0)
    await once(server, 'listening')
    await attached.drain()
    expect(await closed(server)).toBeUndefined()
    expect(heard).toHaveBeenCalledOnce()
  })

  it('reports to a second call that the server is not running', async () => {
    const { server } = fixture()
    server.listen(0)
    await once(server, 'listening')
    expect(await closed(server)).toBeUndefined()
    expect(await closed(server)).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' })
  })

  it('keeps the promise to idle connections when it is called twice during the drain', async () => {
    const { server } = fixture()
    server.listen(0)
    await once(server, 'listening')
    const client = await RawConnection.open(port(server))
    client.send(get('/first'))
    await client.receive(/\/first$/)
    const outcomes = Promise.all([closed(server), closed(server)])
    client.send(get('/again'))
    expect(await client.receive(/\/again$/)).toMatch(/connection: close/i)
    expect(await outcomes).toEqual([
      undefined,
      expect.objectContaining({ code: 'ERR_SERVER_NOT_RUNNING' }),
    ])
  })

  it('is Node’s own for a server that never listened', async () => {
    expect(await closed(fixture().server)).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' })
  })

  it('directly after listen is no error', async () => {
    const { server } = fixture()
    server.on('error', (error) => expect.unreachable(error.message))
    server.listen(0)
    expect(await closed(server)).toBeUndefined()
    expect(server.listening).toBe(false)
  })

  it('can be followed by another listen', async () => {
    const { server, attached } = fixture()
    for (const round of [1, 2]) {
      server.listen(0)
      await once(server, 'listening')
      const client = await RawConnection.open(port(server))
      client.send(get(`/${round}`, 'Connection: close'))
      await client.receive(new RegExp(`/${round}$`))
      expect(await closed(server)).toBeUndefined()
      expect(attached.service?.state).toBe('closed')
    }
  })

  it('by an abort signal drains', async () => {
    const abort = new AbortController()
    const { server, attached } = fixture()
    server.listen({ port: 0, signal: abort.signal })
    await once(server, 'listening')
    abort.abort()
    await once(server, 'close')
    expect(attached.service?.state).toBe('closed')
    expect(server.listening).toBe(false)
  })
})

describe('the shutdown of the process', () => {
  it('is reported until the hooks have run, the finish of the server first', async () => {
    const ran: string[] = []
    const { server, attached } = fixture({}, { finish: () => void ran.push('finish') })
    cleanups.push(onShutdown(() => void ran.push('hook')))
    server.listen(0)
    await once(server, 'listening')
    expect(attached.shutdown).toBeUndefined()
    const done = shutdown()
    expect(attached.shutdown).toBe(done)
    await done
    expect(ran).toEqual(['finish', 'hook'])
    expect(attached.shutdown).toBeUndefined()
  })

  it('that ends elsewhere neither finishes nor ends the process', async () => {
    const finish = vi.fn()
    const { server } = fixture({ exit: true }, { finish, endsElsewhere: () => true })
    server.listen(0)
    await once(server, 'listening')
    await shutdown()
    expect(finish).not.toHaveBeenCalled()
  })

  // Nest sends itself the signal again, and must not find it caught.
  it('leaves no listener behind, also after force', async () => {
    const before = process.listeners('SIGTERM')
    const server = createServer((_, response) => response.write('endless')).listen(0)
    await once(server, 'listening')
    const client = await RawConnection.open(port(server))
    client.send(get('/'))
    await client.receive(/endless/)
    // It knows nothing of this connection, which keeps the server from closing.
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const attached = attach(server, { exit: false, signals: ['SIGTERM'], logger })
    const [own] = process.listeners('SIGTERM').filter((listener) => !before.includes(listener))
    own?.('SIGTERM')
    // Signals that come together are one; a later one of these is a second one.
    const impatience = setInterval(() => own?.('SIGTERM'), 10)
    await attached.shutdown
    clearInterval(impatience)
    expect(process.listeners('SIGTERM')).toEqual(before)
    expect(logger.warn.mock.calls.join()).toMatch(/SIGTERM after SIGTERM/)
  })
})
