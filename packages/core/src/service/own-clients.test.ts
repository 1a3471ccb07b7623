import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Service } from '../base/types.ts'
import { ChildClient } from '../testing/child-client.ts'
import { attach } from './attach.ts'
import { serve } from './serve.ts'

// So long that a test which waits for a promise fails.
const drain = { idleTimeout: 60_000, timeout: 120_000 }

// A drain that waits for its code answers with keep-alive.

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  vi.restoreAllMocks()
})

/** Answers at once, but `/held` when the test does. */
async function serving(): Promise<{
  service: Service
  port: number
  held: Promise<ServerResponse>
}> {
  let hold = (_: ServerResponse): void => {}
  const held = new Promise<ServerResponse>((resolve) => {
    hold = resolve
  })
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (request.url === '/held') hold(response)
    else response.end(request.url)
  })
  const service = await serve(server, { port: 0, drain, signals: false, exit: false })
  cleanups.push(() => {
    server.closeAllConnections()
    return service.close({ quick: true })
  })
  return { service, port: (server.address() as AddressInfo).port, held }
}

async function idle(port: number): Promise<RawConnection> {
  const client = await RawConnection.open(port)
  cleanups.push(() => client.close())
  client.send(get('/first'))
  await client.receive(/\/first$/)
  return client
}

async function inChild(port: number): Promise<ChildClient> {
  const client = new ChildClient({ port, host: '127.0.0.1' })
  cleanups.push(() => client.end())
  expect(await client.ask()).toBe('200 keep-alive')
  return client
}

describe('close() with idle clients of this process', () => {
  it('closes them at once, and the server', async () => {
    const { service, port } = await serving()
    const client = await idle(port)
    expect(await (await fetch(`http://localhost:${port}/fetched`)).text()).toBe('/fetched')
    expect(await service.close()).toMatchObject({ graceful: true, expired: 2, forced: 0 })
    await client.closed
    await expect(fetch(`http://localhost:${port}`)).rejects.toThrow()
  })

  it('does so for an attached server, as of Express and Koa', async () => {
    const server = createServer({ keepAliveTimeout: 60_000 }, (_, response) => response.end('ok'))
    attach(server, { drain, signals: false, exit: false })
    server.listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await (await fetch(`http://localhost:${port}`)).text()).toBe('ok')
    await new Promise((resolve) => server.close(resolve))
    expect(server.listening).toBe(false)
  })

  // A test suite closes a server, lets the next one listen at the same port, and fetches from it.
  it.each([{ quick: false }, { quick: true }])(
    'is over once they have read the end (%o)',
    async (options) => {
      const { service, port } = await serving()
      const client = await idle(port)
      const order: string[] = []
      client.socket.once('end', () => order.push('end'))
      await service.close(options)
      order.push('closed')
      expect(order).toEqual(['end', 'closed'])
    },
  )

  it('answers requests that they have sent before, or in the same turn of the event loop', async () => {
    const { service, port } = await serving()
    const [before, after] = [await idle(port), await idle(port)]
    before.send(get('/before'))
    const closed = service.close()
    after.send(get('/after'))
    expect(await before.receive(/\/before$/)).toMatch(/connection: close/i)
    expect(await after.receive(/\/after$/)).toMatch(/connection: close/i)
    expect(await closed).toMatchObject({ graceful: true, served: 2, forced: 0 })
  })

  it('keeps them while another connection is busy, because its request may use them', async () => {
    const { service, port, held } = await serving()
    const [client, busy] = [await idle(port), await RawConnection.open(port)]
    busy.send(get('/held'))
    const response = await held
    const closed = service.close()
    client.send(get('/meanwhile'))
    expect(await client.receive(/\/meanwhile$/)).toMatch(/connection: close/i)
    response.end('held')
    await busy.receive(/held$/)
    expect(await closed).toMatchObject({ graceful: true, served: 2, expired: 0, forced: 0 })
  })

  it('keeps its promise to a client in another process, and then waits for no other', async () => {
    const { service, port } = await serving()
    const [client, foreign] = [await idle(port), await inChild(port)]
    const reports = vi.spyOn(process.report as NodeJS.ProcessReport, 'getReport')
    const closed = service.close()
    // Two looks at the event loop have passed when this one is answered.
    const further = await RawConnection.open(port)
    further.send(get('/further'))
    await further.receive(/\/further$/)
    await further.closed
    expect(client.socket.destroyed).toBe(false)
    expect(await foreign.ask()).toBe('200 close')
    expect(await closed).toMatchObject({ graceful: true, served: 2, expired: 1, forced: 0 })
    // Known to be foreign, it is not looked for again.
    expect(reports.mock.calls.length).toBeLessThanOrEqual(2)
  })

  it('keeps a connection that has sent no request yet', async () => {
    const { service, port } = await serving()
    const accepted = once(service.server, 'connection')
    const silent = await RawConnection.open(port)
    await accepted
    await idle(port)
    const closed = service.close()
    const other = await RawConnection.open(port)
    other.send(get('/other'))
    await other.closed
    silent.send(get('/first-of-all'))
    expect(await silent.receive(/\/first-of-all$/)).toMatch(/connection: close/i)
    expect(await closed).toMatchObject({ graceful: true, served: 2, expired: 1, forced: 0 })
  })

  it('waits for idle connections if Node has no diagnostic report', async () => {
    const { service, port } = await serving()
    const client = await idle(port)
    vi.spyOn(process, 'report', 'get').mockReturnValue(undefined as never)
    const closed = service.close()
    const other = await RawConnection.open(port)
    other.send(get('/other'))
    await other.closed
    client.send(get('/again'))
    expect(await client.receive(/\/again$/)).toMatch(/connection: close/i)
    expect(await closed).toMatchObject({ graceful: true, served: 2, expired: 0, forced: 0 })
  })
})
