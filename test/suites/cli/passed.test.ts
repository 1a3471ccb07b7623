import { freePort, openListener } from '@socket-port/testkit/native'
import { describe, expect, it } from 'vitest'
import {
  afterTest,
  expectNothingLost,
  expectStops,
  start,
  underLoad,
  untilDrained,
  who,
} from './supervising.ts'

describe('what is passed', () => {
  it('sockets that it has inherited itself, with their names', async () => {
    const listener = openListener({ host: '127.0.0.1' })
    afterTest(() => listener.close())
    const supervised = await start({ args: [], sockets: [{ fd: listener.fd, name: 'web' }] })
    expect(supervised.generation.output).toContain(`:${listener.port} (web), inherited`)
    expect((await who(listener.port)).generation).toBe('1')
    expect((await supervised.ask('reload')).code).toBe(0)
    expect((await who(listener.port)).generation).toBe('2')
  })

  it('what processes have stored: a server that binds its own port is reloaded without loss', async () => {
    const port = freePort()
    const env = { PORT: String(port), STORE: '1', INHERIT: 'prefer' }
    const supervised = await start({ args: [], env })
    const result = await underLoad(port, async (load) => {
      for (let reload = 0; reload < 5; reload += 1) {
        expect((await supervised.ask('reload')).code).toBe(0)
        await load.moreRequests(100)
      }
    })
    expectNothingLost(result)
    expect((await supervised.status()).stored).toHaveLength(1)
    await expectStops(supervised)
  })

  it('idle connections, from one process to the next: clients see not even a close', async () => {
    const supervised = await start()
    const clients = 20
    const reloads = Number(process.env.SOCKET_PORT_RESTARTS ?? 5)
    const result = await underLoad(
      await supervised.port(),
      async (load) => {
        for (let reload = 0; reload < reloads; reload += 1) {
          expect((await supervised.ask('reload')).code).toBe(0)
          await untilDrained(supervised)
          await load.moreRequests(100)
        }
      },
      { clients, connection: 'keep-alive' },
    )
    expectNothingLost(result)
    expect(result).toMatchObject({ closedByServer: 0, connections: clients })
    const { connections, generations } = await supervised.status()
    expect(connections).toMatchObject({
      handedOver: clients * reloads,
      received: clients * reloads,
    })
    expect(generations).toMatchObject([{ workers: [{ received: clients, handedOver: 0 }] }])
  })

  it('signals that mean nothing here', async () => {
    const command = [
      '/bin/sh',
      '-c',
      'trap "echo got it" USR2; echo up; while :; do sleep 0.05; done',
    ]
    const supervised = await start({ command, args: ['--ready', 'log:up'] })
    process.kill(supervised.pid, 'SIGUSR2')
    await supervised.printed(/got it/)
  })
})
