import { writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { RawConnection } from '@socket-port/testkit/raw-connection'
import { describe, expect, it } from 'vitest'
import {
  afterTest,
  expectNothingLost,
  expectStops,
  fixture,
  newReleases,
  openFds,
  pidsOf,
  SERVER,
  start,
  underLoad,
  who,
} from './supervising.ts'

const RELOADS = Number(process.env.SOCKET_PORT_RESTARTS ?? 10)

describe('a reload', () => {
  it(`${RELOADS} times under load: 0 failed, and the command says which generation serves`, async () => {
    const supervised = await start()
    const port = await supervised.port()
    const before = await openFds(supervised)
    const result = await underLoad(port, async (load) => {
      for (let generation = 2; generation <= RELOADS + 1; generation += 1) {
        expect(await supervised.ask('reload')).toMatchObject({
          code: 0,
          stdout: `generation ${generation} serves\n`,
        })
        await load.moreRequests(100)
      }
    })
    expectNothingLost(result)
    await supervised.untilOpenFds(before)
    await expectStops(supervised)
  })

  it('negative control: with plain server.close() it loses requests', async () => {
    const args = ['--listen', '127.0.0.1:0', '--ready', 'port']
    const command = [process.execPath, fixture('plain-close.mjs')]
    const supervised = await start({ command, args })
    const result = await underLoad(
      await supervised.port(),
      async (load) => {
        for (let reload = 0; reload < 5; reload += 1) {
          expect((await supervised.ask('reload')).code).toBe(0)
          await load.moreRequests(100)
        }
      },
      { rtt: 20 },
    )
    expect(result.failed).toBeGreaterThan(0)
  })

  it('a storm of SIGHUP under load: 0 failed, and the last one counts', async () => {
    const seconds = Number(process.env.SOCKET_PORT_STORM_SECONDS ?? 4)
    const supervised = await start()
    const port = await supervised.port()
    const result = await underLoad(port, async () => {
      const end = performance.now() + seconds * 1000
      // On a busy machine three reloads may take longer.
      const isOver = async (): Promise<boolean> =>
        performance.now() > end && (await supervised.status()).reloads.succeeded > 2
      for (let wait = 50; !(await isOver()); wait = wait >= 250 ? 50 : wait + 50) {
        process.kill(supervised.pid, 'SIGHUP')
        await setTimeout(wait)
      }
      expect((await supervised.ask('reload')).code).toBe(0)
    })
    expectNothingLost(result)
    const { reloads, generations } = await supervised.status()
    expect(reloads.failed).toBe(0)
    expect(reloads.succeeded).toBeGreaterThan(2)
    expect(generations[0]).toMatchObject({ number: reloads.succeeded + 1 })
    expect(generations[0]?.workers).toMatchObject([{ state: 'ready' }])
    await expectStops(supervised)
  })

  it('while the one before drains: what that has in flight goes on, and its connections too', async () => {
    const supervised = await start()
    const port = await supervised.port()
    const reload = async (): Promise<void> => {
      expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    }
    const begin = async (): Promise<RawConnection> => {
      const connection = await RawConnection.open(port)
      afterTest(() => connection.close())
      connection.send('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n1')
      await connection.receive(/\r\n1\r\n1\r\n$/)
      return connection
    }
    const first = await begin()
    await reload()
    const second = await begin()
    await reload()
    // The process in the middle takes nothing any more, and the first one still has something.
    for (const connection of [first, second]) {
      connection.send('2')
      await connection.receive(/\r\n2\r\n0\r\n\r\n$/)
      connection.send('GET /who HTTP/1.1\r\nHost: test\r\n\r\n')
      await connection.receive(/"pid":/)
    }
    await expectStops(supervised)
  })

  it('follows a symlinked release directory, and reads the environment file anew', async () => {
    const releases = newReleases()
    const file = `${releases.directory}/env`
    writeFileSync(file, 'RELEASE=one')
    releases.deploy(`exec "${process.execPath}" "${SERVER}"`)
    const args = ['--listen', '127.0.0.1:0', '--env-file', file]
    const supervised = await start({ command: [releases.server], args })
    const port = await supervised.port()
    expect(await who(port)).toMatchObject({ release: 'one' })
    writeFileSync(file, 'RELEASE=two')
    releases.deploy(`RELEASE="$RELEASE of new code" exec "${process.execPath}" "${SERVER}"`)
    expect((await supervised.ask('reload')).code).toBe(0)
    expect(await who(port)).toMatchObject({ release: 'two of new code' })
  })

  it('finds the new release where it starts in a symlinked directory', async () => {
    const releases = newReleases()
    releases.deploy(`RELEASE=one exec "${process.execPath}" "${SERVER}"`)
    const args = ['--listen', '127.0.0.1:0', '--cwd', `${releases.directory}/current`]
    const supervised = await start({ command: ['./server'], args })
    releases.deploy(`RELEASE=two exec "${process.execPath}" "${SERVER}"`)
    expect((await supervised.ask('reload')).code).toBe(0)
    expect(await who(await supervised.port())).toMatchObject({ release: 'two' })
  })
})

describe('workers', () => {
  it.each([
    ['one by one', []],
    ['all at once', ['--all-at-once']],
    ['with a socket each', ['--reuse-port']],
  ])('%s under load: 0 failed, and the load is shared', async (_, more) => {
    const args = ['--listen', '127.0.0.1:0', '--workers', '2', ...more]
    const supervised = await start({ args })
    await supervised.printed(/generation 1, worker 2 is ready/)
    const port = await supervised.port()
    const result = await underLoad(port, async (load) => {
      for (let reload = 0; reload < 4; reload += 1) {
        expect((await supervised.ask('reload')).code).toBe(0)
        await load.moreRequests(100)
      }
    })
    expectNothingLost(result)
    const [newest] = (await supervised.status()).generations
    expect(newest).toMatchObject({ number: 5 })
    expect(newest?.workers.map(({ worker }) => worker).toSorted()).toEqual([1, 2])
    await expectStops(supervised)
  })

  it('one that dies is replaced, while the other serves', async () => {
    const supervised = await start({ args: ['--listen', '127.0.0.1:0', '--workers', '2'] })
    await supervised.printed(/generation 1, worker 2 is ready/)
    const [first = 0] = await pidsOf(supervised)
    process.kill(first, 'SIGKILL')
    await supervised.printed(/stopped unexpectedly: SIGKILL[\s\S]*is ready/)
    expect((await who(await supervised.port())).generation).toBe('1')
    const pids = await pidsOf(supervised)
    expect(pids).toHaveLength(2)
    expect(pids).not.toContain(first)
  })
})
