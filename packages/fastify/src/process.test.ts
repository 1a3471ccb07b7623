import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endProcesses } from '@socket-port/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { closeAll, onClose } from './testing/applications.ts'
import { linesOf, lineWith, startChild } from './testing/child.ts'

afterEach(closeAll)
afterEach(endProcesses)

async function opened(options: ListenOptions): Promise<Server> {
  const server = createServer().listen(options)
  await once(server, 'listening')
  onClose(() => server.close())
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-fastify-'))
  onClose(() => rmSync(folder, { recursive: true }))
  return join(folder, 'app.sock')
}

describe.each(['fastify', 'fastify-oldest'])('%s', (RELEASE) => {
  it.each([
    ['::', 'http://[::]'],
    ['0.0.0.0', 'http://0.0.0.0'],
    ['127.0.0.1', 'http://127.0.0.1'],
    ['::1', 'http://[::1]'],
  ])('inherits %s without a warning, and serves nothing else', async (host, url) => {
    const socket = await opened({ port: 0, host })
    const port = portOf(socket)
    const child = startChild({ RELEASE, LISTEN: { port } }, [socket])
    const { address, addresses, origin } = await lineWith(child, 'address')
    expect(addresses).toMatchObject([{ address: host, port }])
    expect(origin).toBe(`${url}:${port}`)
    if (host !== '0.0.0.0') expect(address).toBe(origin)
    child.signal('SIGTERM')
    expect(await child.exit).toMatchObject({ code: 0 })
    expect(child.stderr).toBe('')
    expect(linesOf(child).filter((line) => 'level' in line)).toEqual([])
  })

  it('names the host in the warning if the inherited socket does not have it', async () => {
    const socket = await opened({ port: 0, host: '::' })
    const child = startChild({ RELEASE, LISTEN: { port: portOf(socket), host: '127.0.0.1' } }, [
      socket,
    ])
    expect(await lineWith(child, 'level')).toMatchObject({
      plugin: '@socket-port/fastify',
      msg: expect.stringContaining('host 127.0.0.1 was asked for'),
    })
  })

  it.each([true, false])('inherits a unix socket; asked for by its path: %j', async (asked) => {
    const path = socketPath()
    const socket = await opened({ path })
    const child = startChild({ RELEASE, LISTEN: asked ? { path } : { port: 1 } }, [socket])
    expect(await lineWith(child, 'address')).toEqual({
      address: path,
      addresses: [path],
      origin: path,
    })
    child.signal('SIGTERM')
    expect(await child.exit).toMatchObject({ code: 0 })
    expect(linesOf(child).filter((line) => 'level' in line)).toHaveLength(asked ? 0 : 1)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s drains, runs its onClose hooks, then those of the process, and ends',
    async (signal) => {
      const child = startChild({ RELEASE })
      await lineWith(child, 'address')
      child.signal(signal)
      expect(await child.exit).toMatchObject({ code: 0 })
      expect(linesOf(child).slice(1)).toEqual([{ onClose: 'closed' }, { hook: signal }])
    },
  )

  it('ends with 1 if an onClose hook fails, after the other hooks', async () => {
    const child = startChild({ RELEASE, FAIL: true })
    await lineWith(child, 'address')
    child.signal('SIGTERM')
    expect(await child.exit).toMatchObject({ code: 1 })
    expect(await lineWith(child, 'hook')).toEqual({ hook: 'SIGTERM' })
    expect(await lineWith(child, 'level')).toMatchObject({
      level: 50,
      msg: expect.stringMatching(/hook closeFastify failed: Error: the pool has gone/),
    })
  })

  it('ends while localhost is looked up for a further address', async () => {
    const child = startChild({ RELEASE, SLOW_LOOKUP: true })
    await lineWith(child, 'lookup')
    child.signal('SIGTERM')
    expect(await child.exit).toMatchObject({ code: 0 })
    expect(linesOf(child)).toMatchObject([
      { lookup: 'localhost' },
      { onClose: 'closed' },
      { found: 'localhost' },
      { address: expect.stringMatching(/^http:/) },
      { hook: 'SIGTERM' },
    ])
    expect(child.stderr).toBe('')
  })
})
