import { endProcesses } from '@socket-port/testkit/processes'
import { get, type RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { asArguments } from './forms.ts'
import { type Framework, Server } from './framework.ts'

const ENDED = /\r\n\r\n/
const LAST_CHUNK = /last\n\r\n0\r\n\r\n$/

/** It is closed by a signal or by its own close: what is in flight first, then its hooks. */
export function closing(framework: Framework): void {
  const { call = asArguments } = framework
  const start = (options = {}): Server =>
    new Server(framework, [{ arguments: call({ port: 0 }), options }])
  const unknownHost = call({ port: 0, host: 'app.invalid' })
  const starting = (): Server =>
    new Server(framework, [{ arguments: unknownHost }], { env: { LOOK_UP: 'never' } })

  describe('closed by', () => {
    afterEach(endProcesses)

    it('SIGTERM: serves on without a 503, ends what is in flight, then runs hooks', async () => {
      const server = start({ probes: { ready: '/readyz', live: '/livez' } })
      const { held, idle } = await busy(server)
      idle.send(get('/readyz?x=1'))
      expect(await idle.receive(/ready\n$/)).toMatch(/ 200 .*cache-control: no-store/is)
      server.process.signal('SIGTERM')
      await server.process.printed(/draining/)
      const [ready, live] = [await server.open(), await server.open()]
      ready.send(get('/readyz'))
      expect(await ready.receive(/not ready\n$/)).toMatch(/ 503 .*connection: close/is)
      live.send(get('/livez'))
      expect(await live.receive(/live\n$/)).toMatch(/ 200 .*connection: close/is)
      const newClient = await server.open()
      newClient.send(get('/error'))
      expect(await newClient.receive(ENDED)).toMatch(/ 500 .*connection: close/is)
      idle.send(get('/release'))
      expect(await idle.receive(/released/)).toMatch(/ 200 .*connection: close/is)
      await held.receive(LAST_CHUNK)
      held.close()
      expect(await server.process.exit).toMatchObject({ code: 0, signal: null })
      expect(server.words).toEqual(['draining', 'last', 'hook'])
    })

    it('its own close, called twice: the same, and the process ends by itself', async () => {
      const server = start()
      const { held, idle } = await busy(server)
      server.process.signal('SIGUSR2')
      await server.process.printed(/draining/)
      idle.send(get('/release'))
      expect(await idle.receive(/released/)).toMatch(/ 200 .*connection: close/is)
      await held.receive(LAST_CHUNK)
      held.close()
      expect(await server.process.exit).toMatchObject({ code: 0, signal: null })
      const hooks = framework.closeHooks ? ['hook'] : []
      expect(server.words).toEqual(['draining', 'last', ...hooks, 'closed', 'closed'])
      expect(server.process.stderr).toBe('')
    })

    it('a SIGTERM listener that closes it and then exits: hooks run, and nothing is said to be cut', async () => {
      const env = { CLOSE_AND_EXIT: '1' }
      const server = new Server(framework, [{ arguments: call({ port: 0 }) }], { env })
      await server.process.ready()
      server.process.signal('SIGTERM')
      expect(await server.process.exit).toMatchObject({ code: 0, signal: null })
      // Nest 11 runs its hooks for the signal and for close().
      expect([...new Set(server.words)]).toEqual(['draining', 'hook'])
      expect(server.process.stderr).toBe('')
    })

    const closesEarly = framework.closesEarly ?? true
    it.each([
      ['SIGTERM', 'SIGTERM'],
      ...(closesEarly ? ([['its own close', 'SIGUSR2']] as const) : []),
    ] as const)(
      '%s during start-up: never listens, and the process ends well',
      async (_, signal) => {
        const server = starting()
        await server.process.printed(/starting/)
        server.process.signal(signal)
        expect(await server.process.exit).toMatchObject({ code: 0, signal: null })
        expect(server.process.output).not.toMatch(/ready|warning/i)
      },
    )
  })

  it('answers 500 for a handler that throws, and goes on', async () => {
    onTestFinished(endProcesses)
    const server = start()
    const connection = await server.open()
    connection.send(get('/error'))
    expect(await connection.receive(ENDED)).toMatch(/^HTTP\/1.1 500 /)
    const next = await server.open()
    next.send(get('/'))
    expect(await next.receive(ENDED)).toMatch(/^HTTP\/1.1 200 /)
  })
}

/** A connection whose streamed response is in flight, and one that is idle. */
async function busy(server: Server): Promise<{ held: RawConnection; idle: RawConnection }> {
  const [held, idle] = [await server.open(), await server.open()]
  held.send(get('/hold'))
  await held.receive(/first/)
  idle.send(get('/'))
  await idle.receive(ENDED)
  return { held, idle }
}
