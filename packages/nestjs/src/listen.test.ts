import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { INestApplication } from '@nestjs/common'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeApplications, createApplication } from './testing/application.ts'
import { platforms } from './testing/platforms.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  await closeApplications()
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const address = (app: INestApplication): AddressInfo => app.getHttpServer().address()

async function answer(app: INestApplication): Promise<string> {
  const client = await RawConnection.open(address(app).port)
  client.send(get('/', 'Connection: close'))
  return client.receive(/\r\n\r\nhello/)
}

describe.each(platforms)('on $name, app.listen', ({ create, checksPorts }) => {
  it('takes a port and returns the server', async () => {
    const app = await createApplication(create())
    expect(await app.listen(0)).toBe(app.getHttpServer())
    expect(await answer(app)).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('takes a port as text', async () => {
    const app = await createApplication(create())
    await app.listen('0')
    expect(await answer(app)).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('takes a host, and calls back', async () => {
    const app = await createApplication(create())
    const callback = vi.fn()
    await app.listen(0, '127.0.0.1', callback)
    expect(callback).toHaveBeenCalledOnce()
    expect(address(app)).toMatchObject({ address: '127.0.0.1', family: 'IPv4' })
    expect(await app.getUrl()).toBe(`http://127.0.0.1:${address(app).port}`)
  })

  it('takes a callback alone', async () => {
    const app = await createApplication(create())
    const callback = vi.fn()
    await app.listen(0, callback)
    expect(callback).toHaveBeenCalledOnce()
  })

  it.each(checksPorts ? ['text', 'object'] : ['object'])('takes a path as %s', async (form) => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-'))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'app.sock')
    const app = await createApplication(create())
    // The type of Nest's `listen` knows no object.
    await app.listen(form === 'text' ? path : ({ path } as unknown as string))
    expect(address(app)).toBe(path)
    expect(await app.getUrl()).toBe(`http+unix://${encodeURIComponent(path)}`)
  })

  it.each(checksPorts ? [65_536] : [])('refuses the port %j as Nest does', async (wrong) => {
    const app = await createApplication(create())
    await expect(app.listen(wrong)).rejects.toMatchObject({ code: 'ERR_SOCKET_BAD_PORT' })
  })

  it('on a busy port rejects, and names the process that holds it', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    cleanups.push(() => holder.close())
    const app = await createApplication(create())
    await expect(app.listen(portOf(holder), '127.0.0.1')).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('this process itself'),
    })
  })

  it('takes another port after a busy one', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    cleanups.push(() => holder.close())
    const app = await createApplication(create())
    await expect(app.listen(portOf(holder), '127.0.0.1')).rejects.toThrow(/EADDRINUSE/)
    await app.listen(0, '127.0.0.1')
    expect(await answer(app)).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('rejects if a socket must be inherited and none is', async () => {
    const app = await createApplication(create({ inherit: 'require' }))
    await expect(app.listen(0)).rejects.toMatchObject({ code: 'ERR_SOCKET_PORT_NOT_INHERITED' })
  })
})

const portOf = (server: Server): number => (server.address() as AddressInfo).port
