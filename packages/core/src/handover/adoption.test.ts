import { once } from 'node:events'
import { fstatSync, openSync, readFileSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:http'
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadLibc } from '../sockets/libc.ts'
import { get, RawConnection } from '../testing/raw-connection.ts'
import { Adoption, type Parcel } from './adoption.ts'
import { writeLabel } from './label.ts'
import type { Received } from './line.ts'

const F_DUPFD_CLOEXEC = 1030
const SO_KEEPALIVE = [1, 9] as const
const TCP_NODELAY = [6, 1] as const

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

async function listening(
  name: string,
  host?: string,
  options: ServerOptions = {},
): Promise<Server & { port: number }> {
  const server = createServer(
    options,
    (request, response) => void response.end(`${name} ${request.url}`),
  )
  await new Promise<void>((resolve) => server.listen({ port: 0, host }, resolve))
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return Object.assign(server, { port: (server.address() as AddressInfo).port })
}

/** A client whose connection no process serves, and the descriptor of its far end. */
async function orphan(): Promise<{ client: RawConnection; fd: number }> {
  const server = createNetServer({ pauseOnConnect: true }).listen(0)
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = await RawConnection.open((server.address() as AddressInfo).port)
  cleanups.push(() => client.close())
  const [socket] = (await accepted) as [Socket & { _handle: { fd: number } }]
  const fd = loadLibc().fcntl(socket._handle.fd, F_DUPFD_CLOEXEC, 3)
  socket.destroy()
  server.close()
  return { client, fd }
}

/** What a line gives that has these messages. */
function line(...messages: Received[]): () => Received | undefined {
  return () => messages.shift()
}

const parcel = (port: number, fds: number[], address = '::', promise = 5_000): Received => ({
  bytes: writeLabel({ port, address, promise }),
  fds,
  truncated: false,
})

describe.runIf(process.platform === 'linux')('connections of the process before', () => {
  it('go to the server that listens where theirs did', async () => {
    const [a, b] = [await listening('a'), await listening('b')]
    const [first, second] = [await orphan(), await orphan()]
    const adoption = new Adoption()
    adoption.join(a)
    adoption.join(b)
    const messages = line(parcel(b.port, [first.fd]), parcel(a.port, [second.fd]))
    expect(await adoption.receive(messages, logger)).toBe(true)
    first.client.send(get('/1'))
    second.client.send(get('/2'))
    await first.client.receive(/b \/1$/)
    await second.client.receive(/a \/2$/)
    expect(logger.info).toHaveBeenCalledWith('adopted 1 connection of the process before')
  })

  it('wait for a server that does not listen yet', async () => {
    const server = await listening('late')
    const { client, fd } = await orphan()
    const adoption = new Adoption()
    await adoption.receive(line(parcel(server.port, [fd])), logger)
    client.send(get('/early'))
    adoption.join(server)
    await client.receive(/late \/early$/)
  })

  it('are closed in the end where no server listens there', async () => {
    const server = await listening('other')
    const { client, fd } = await orphan()
    const adoption = new Adoption()
    adoption.join(server)
    await adoption.receive(line(parcel(1, [fd])), logger)
    adoption.sweep(logger)
    await client.closed
    expect(logger.info).toHaveBeenLastCalledWith(
      'closed 1 connection of the process before: it served port 1, this one does not',
    )
  })

  it('stay in the line when the process is about to end', async () => {
    const adoption = new Adoption()
    adoption.stop()
    const next = vi.fn()
    expect(await adoption.receive(next, logger)).toBe(false)
    expect(next).not.toHaveBeenCalled()
  })

  it('are kept for as long as was promised, then closed', async () => {
    const server = await listening('short')
    server.keepAliveTimeout = 10
    const [silent, asking] = [await orphan(), await orphan()]
    const adoption = new Adoption()
    adoption.join(server)
    await adoption.receive(line(parcel(server.port, [silent.fd, asking.fd], '::', 60)), logger)
    asking.client.send(get('/in-time'))
    await asking.client.receive(/short \/in-time$/)
    await silent.client.closed
    expect(silent.client.error).toBeUndefined()
  })

  it('are kept for as long as was promised, also where the server has a shorter timeout', async () => {
    const server = await listening('strict')
    server.keepAliveTimeout = 10
    server.timeout = 20
    const { client, fd } = await orphan()
    const adoption = new Adoption()
    adoption.join(server)
    await adoption.receive(line(parcel(server.port, [fd], '::', 30_000)), logger)
    // A connection that the server accepted itself is timed out: then the other one would be too.
    const fresh = await RawConnection.open(server.port)
    await fresh.closed
    client.send(get('/later'))
    await client.receive(/strict \/later$/)
  })

  it('go back to whoever hands over where no server has taken them yet', async () => {
    const { client, fd } = await orphan()
    const first = new Adoption()
    await first.receive(line(parcel(1, [fd])), logger)
    first.stop()
    const given: Parcel[] = []
    first.giveUp((each) => given.push(each))
    const later = await orphan()
    first.takeAll(line(parcel(2, [later.fd])), logger)
    expect(given.map(({ label }) => label.port)).toEqual([1, 2])
    first.sweep(logger)
    const server = await listening('next')
    const second = new Adoption()
    second.join(server)
    const fds = given.flatMap((each) => each.fds)
    await second.receive(line(parcel(server.port, fds)), logger)
    for (const each of [client, later.client]) {
      each.send(get('/again'))
      await each.receive(/next \/again$/)
    }
  })

  it('are all taken at once from a line that ends with the process', async () => {
    const server = await listening('last')
    const { client, fd } = await orphan()
    const adoption = new Adoption()
    adoption.join(server)
    const waiting = line(parcel(server.port, [fd]))
    adoption.onStop(() => adoption.takeAll(waiting, logger))
    const forgotten = vi.fn()
    adoption.onStop(forgotten)()
    adoption.stop()
    expect(adoption.adopted).toBe(1)
    expect(forgotten).not.toHaveBeenCalled()
    const late = vi.fn()
    adoption.onStop(late)
    expect(late).toHaveBeenCalledOnce()
    client.send(get('/passed'))
    await client.receive(/last \/passed$/)
  })

  it.each([
    ['that was promised', 5_000, Number.POSITIVE_INFINITY],
    ['of the server', 2 ** 31, 5_000],
  ])('are kept for ever where the time %s is longer than any timer', async (_, own, promise) => {
    const server = await listening('patient')
    server.keepAliveTimeout = own
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const { client, fd } = await orphan()
    const adoption = new Adoption()
    adoption.join(server)
    const bytes = Buffer.from(JSON.stringify({ port: server.port, address: '::', promise }))
    await adoption.receive(line({ bytes, fds: [fd], truncated: false }), logger)
    expect(timers).not.toHaveBeenCalled()
    timers.mockRestore()
    server.keepAliveTimeout = 5_000
    client.send(get('/later'))
    await client.receive(/patient \/later$/)
  })

  it('are missed aloud, once, where the process may not have so many files open', async () => {
    const server = await listening('small')
    const adoption = new Adoption()
    adoption.join(server)
    const truncated = { ...parcel(server.port, []), truncated: true }
    logger.info.mockClear()
    await adoption.receive(line(truncated, { ...truncated }), logger)
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const [, limit] = /^Max open files +(\d+)/m.exec(limits) ?? []
    expect(logger.warn.mock.calls).toEqual([
      [
        'not all connections of the process before are taken, and the rest is closed: this process may have ' +
          `no more than ${limit} files open; raise LimitNOFILE= in the unit (ulimit -n) to what the connections need`,
      ],
    ])
    logger.warn.mockClear()
    expect(logger.info).not.toHaveBeenCalled()
  })

  it('get the options that the server sets on what it accepts', async () => {
    const server = await listening('set', undefined, { keepAlive: true, noDelay: true })
    const { fd } = await orphan()
    const libc = loadLibc()
    const options = (): unknown[] =>
      [SO_KEEPALIVE, TCP_NODELAY].map(([level, name]) => libc.getsockopt(fd, level, name)?.[0])
    expect(options()).toEqual([0, 0])
    const adoption = new Adoption()
    adoption.join(server)
    await adoption.receive(line(parcel(server.port, [fd])), logger)
    expect(options()).toEqual([1, 1])
  })

  it('survive a descriptor among them that is no connection', async () => {
    const server = await listening('robust')
    const { client, fd } = await orphan()
    const file = openSync('/dev/null', 'r')
    const adoption = new Adoption()
    adoption.join(server)
    await adoption.receive(line(parcel(server.port, [file, fd])), logger)
    expect(() => fstatSync(file)).toThrow('EBADF')
    client.send(get('/still'))
    await client.receive(/robust \/still$/)
  })

  it('are not mistaken for other messages', async () => {
    const { client, fd } = await orphan()
    const adoption = new Adoption()
    await adoption.receive(
      line({ bytes: Buffer.from('hello'), fds: [fd], truncated: false }),
      logger,
    )
    await client.closed
  })
})
