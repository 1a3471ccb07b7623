import type { Server } from 'node:http'
import type { INestApplication, NestApplicationOptions } from '@nestjs/common'
import type { AbstractHttpAdapter } from '@nestjs/core'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { ChildClient } from '../../core/src/testing/child-client.ts'
import { closeApplications, createApplication, Journal } from './testing/application.ts'
import { platforms } from './testing/platforms.ts'

afterEach(closeApplications)

const HOOKS = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown']

// The default of `drain.idleTimeout`, in milliseconds.
const IDLE_TIMEOUT = 5_000

interface Busy {
  app: INestApplication
  journal: Journal
  held: RawConnection
  /** Opens a connection that has been answered once, and may ask once more. */
  idle(): Promise<RawConnection>
}

/** An application that listens and holds a request. */
async function busy(adapter: AbstractHttpAdapter, options?: NestApplicationOptions): Promise<Busy> {
  const app = await createApplication(adapter, options)
  await app.listen(0, '127.0.0.1')
  const journal = app.get(Journal)
  const { port } = app.getHttpServer().address()
  const held = await RawConnection.open(port)
  held.send(get('/hold'))
  await journal.entered
  const idle = async (): Promise<RawConnection> => {
    const connection = await RawConnection.open(port)
    connection.send(get('/'))
    await connection.receive(/hello$/)
    return connection
  }
  return { app, journal, held, idle }
}

describe.each(platforms)('on $name, app.close', ({ create }) => {
  // With `return503OnClosing` too: while it drains there is a successor, and 503 is a lost request.
  it.each([false, true])(
    'answers every request before the first hook (503: %j)',
    async (refuse) => {
      const { app, journal, held, ...open } = await busy(create(), { return503OnClosing: refuse })
      const idle = await open.idle()
      const closed = app.close()
      idle.send(get('/'))
      expect(await idle.receive(/hello$/)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\nconnection: close/i)
      await idle.closed
      expect(journal.entries).toEqual([])
      journal.release()
      expect(await held.receive(/held$/)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\nconnection: close/i)
      await closed
      expect(journal.entries).toEqual(['answer', ...HOOKS])
      expect(app.getHttpServer().listening).toBe(false)
    },
  )

  it('answers them with forceCloseConnections too', async () => {
    const { app, journal, held } = await busy(create(), { forceCloseConnections: true })
    const closed = app.close()
    journal.release()
    await held.receive(/held$/)
    await closed
    expect(journal.entries).toEqual(['answer', ...HOOKS])
  })

  it.each([{}, { forceCloseConnections: true }])(
    'waits for no idle client: of this process, or of any (%j)',
    async (options) => {
      const app = await createApplication(create(), options)
      await app.listen(0, '127.0.0.1')
      expect(await (await fetch(await app.getUrl())).text()).toBe('hello')
      if ('forceCloseConnections' in options) {
        const client = new ChildClient(app.getHttpServer().address())
        onTestFinished(() => client.end())
        expect(await client.ask()).toBe('200 keep-alive')
      }
      const started = performance.now()
      await app.close()
      expect(performance.now() - started).toBeLessThan(IDLE_TIMEOUT)
    },
  )

  it('twice at once waits for the same drain', async () => {
    const { app, journal, held } = await busy(create())
    const closed = [app.close(), app.close()]
    journal.release()
    await held.receive(/held$/)
    await Promise.all(closed)
    expect(journal.entries.slice(0, 2)).toEqual(['answer', 'onModuleDestroy'])
  })

  it('of an application that never listened runs its hooks', async () => {
    const app = await createApplication(create())
    await app.init()
    await app.close()
    expect(app.get(Journal).entries).toEqual(HOOKS)
  })

  it('while it starts lets listen reject, and leaves nothing listening', async () => {
    const app = await createApplication(create())
    await app.init()
    const starting = listenIsCalled(app.getHttpServer())
    const started = app.listen(0, 'localhost').then(
      () => 'listening',
      (error) => error.code,
    )
    await starting
    await app.close()
    expect(await started).toBe('ERR_SOCKET_PORT_CLOSED')
    expect(app.getHttpServer().listening).toBe(false)
  })
})

function listenIsCalled(server: Server): Promise<void> {
  const { listen } = server
  return new Promise((resolve) => {
    server.listen = (...args: unknown[]) => {
      resolve()
      return Reflect.apply(listen, server, args)
    }
  })
}
