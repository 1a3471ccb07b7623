import { once } from 'node:events'
import { Agent, createServer as createHttp, get, type RequestOptions, type Server } from 'node:http'
import { createServer as createHttps, get as getSecure, Agent as HttpsAgent } from 'node:https'
import { type AddressInfo, type ListenOptions, Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ChildClient } from '../testing/child-client.ts'
import { ownPeers } from './own-peers.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  vi.restoreAllMocks()
})

/** A server, and its connections in the order in which they were opened. */
async function listening(at: ListenOptions, server: Server = createHttp()) {
  server.on('request', (_, response) => response.end('hello'))
  const secure = 'setSecureContext' in server
  const connections: Socket[] = []
  server.on(secure ? 'secureConnection' : 'connection', (socket) => connections.push(socket))
  server.listen(at)
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of connections) socket.destroy()
    server.close()
  })
  return { connections, port: (server.address() as AddressInfo).port }
}

/** Leaves an idle connection. */
async function ask(to: RequestOptions, agent = new Agent({ keepAlive: true })): Promise<void> {
  cleanups.push(() => agent.destroy())
  const request = agent instanceof HttpsAgent ? getSecure : get
  const [response] = await once(request({ ...to, agent }), 'response')
  await once(response.resume(), 'end')
}

/** Leaves an idle connection of a child process. */
async function askFromChild(to: RequestOptions): Promise<void> {
  const client = new ChildClient(to)
  cleanups.push(() => client.end())
  expect(await client.ask()).toBe('200 keep-alive')
}

const lan = Object.values(networkInterfaces())
  .flat()
  .find((entry) => entry?.family === 'IPv4' && !entry.internal)?.address

describe('a connection of this process is found', () => {
  it.each<[string, string, string]>([
    ['over IPv4', '127.0.0.1', '127.0.0.1'],
    ['over IPv6', '::1', '::1'],
    ['over IPv4 to a dual-stack server', '::', '127.0.0.1'],
    ['to another address of loopback', '0.0.0.0', '127.0.0.2'],
    ...(lan === undefined
      ? []
      : [['to an address of the network', '::', lan] as [string, string, string]]),
  ])('%s, beside one of another process', async (_, listenOn, host) => {
    const { connections, port } = await listening({ port: 0, host: listenOn })
    await ask({ port, host })
    await askFromChild({ port, host })
    expect(connections).toHaveLength(2)
    expect([...ownPeers(connections)]).toEqual(connections.slice(0, 1))
  })

  it('of fetch', async () => {
    const { connections, port } = await listening({ port: 0 })
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await (await fetch(`http://${host}:${port}`)).text()).toBe('hello')
    }
    expect([...ownPeers(connections)]).toEqual(connections)
  })

  it('over TLS', async () => {
    const server = createHttps({ key, cert }) as unknown as Server
    const { connections, port } = await listening({ port: 0 }, server)
    const agent = new HttpsAgent({ keepAlive: true, ca: cert })
    await ask({ port, host: 'localhost' }, agent)
    expect(connections).toHaveLength(1)
    expect([...ownPeers(connections)]).toEqual(connections)
  })

  describe(...requireOrSkip('over a unix socket', linuxSkipReason()), () => {
    it.each([join(tmpdir(), `own-peers-${process.pid}.sock`), `\0own-peers-${process.pid}`])(
      '%j, beside one of another process',
      async (path) => {
        const { connections } = await listening({ path })
        await ask({ socketPath: path })
        await askFromChild({ socketPath: path })
        expect(connections).toHaveLength(2)
        expect([...ownPeers(connections)]).toEqual(connections.slice(0, 1))
      },
    )
  })
})

describe('no report is made', () => {
  it('of connections from another machine', () => {
    const getReport = vi.spyOn(process.report as NodeJS.ProcessReport, 'getReport')
    const remote = new Socket()
    Object.defineProperties(remote, {
      remoteAddress: { value: '203.0.113.7' },
      localAddress: { value: '192.0.2.1' },
    })
    expect(ownPeers([remote]).size).toBe(0)
    expect(getReport).not.toHaveBeenCalled()
  })
})

it('a closed connection is not found, and the switches of the report stay as they were', async () => {
  const { connections, port } = await listening({ port: 0 })
  await ask({ port, host: '127.0.0.1' })
  const report = process.report as { excludeNetwork?: boolean }
  const before = report.excludeNetwork
  for (const socket of connections) socket.destroy()
  expect(ownPeers(connections).size).toBe(0)
  await ask({ port, host: '127.0.0.1' })
  expect(ownPeers(connections).size).toBe(1)
  expect(report.excludeNetwork).toBe(before)
})
