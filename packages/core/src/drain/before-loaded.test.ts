import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { Drain } from '../base/types.ts'

// A server that has only begun to listen: the code of its drain is loaded when a test calls this.
let load: () => void
let loaded: Promise<void>

beforeEach(() => {
  vi.resetModules()
  loaded = new Promise((resolve) => {
    load = resolve
  })
  vi.doMock('./drain-run.ts', async (original) => {
    await loaded
    return original()
  })
})

interface Listening {
  server: Server
  drain: Drain
  open(): Promise<RawConnection>
  /** Answers the request for /held. */
  release(): void
}

async function listening(): Promise<Listening> {
  const { createDrain } = await import('./drain.ts')
  let release = (): void => expect.unreachable()
  const server = createServer((request, response) => {
    const answer = (): void => void response.end(request.url)
    if (request.url === '/held') release = answer
    else answer()
  })
  const drain = createDrain(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server,
    drain,
    async open() {
      const accepted = once(server, 'connection')
      const connection = await RawConnection.open(port)
      onTestFinished(() => connection.close())
      await accepted
      return connection
    },
    release: () => release(),
  }
}

async function ask(connection: RawConnection, path: string): Promise<string> {
  connection.send(get(path))
  return await connection.receive(new RegExp(`${path}$`))
}

it('a drain serves every request until its code is loaded, and then ends the connections', async () => {
  const { server, drain, open, release } = await listening()
  const [idle, silent, busy] = [await open(), await open(), await open()]
  await ask(idle, '/first')
  const entered = once(server, 'request')
  busy.send(get('/held'))
  await entered

  const drained = drain.start()
  expect(drain.state).toBe('draining')
  // What it answers now is no last response: the connection may be handed over, or ask once more.
  const all = [idle, silent, busy, await open()]
  release()
  expect(await busy.receive(/\/held$/)).toMatch(/connection: keep-alive/i)
  for (const connection of all) {
    expect(await ask(connection, '/between')).toMatch(/connection: keep-alive/i)
  }

  const begun = once(drain.signal, 'abort')
  load()
  await begun
  for (const connection of all) {
    expect(await ask(connection, '/last')).toMatch(/connection: close/i)
    await connection.closed
  }
  expect(await drained).toMatchObject({ graceful: true, served: 4, expired: 0, forced: 0 })
})

it('a drain that is forced before its code is loaded cuts the connections when it is', async () => {
  const { drain, open } = await listening()
  const connection = await open()
  const drained = drain.start()
  drain.force()
  expect(await ask(connection, '/between')).toMatch(/connection: keep-alive/i)
  load()
  await connection.closed
  expect(await drained).toMatchObject({ graceful: false, forced: 1 })
})

it('a server without connections closes before the code is loaded', async () => {
  const { server, drain } = await listening()
  expect(await drain.start()).toMatchObject({ graceful: true, served: 0 })
  expect(server.listening).toBe(false)
})
