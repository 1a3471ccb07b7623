import { freePort } from '@socket-port/testkit/native'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import type { Supervised } from '@socket-port/testkit/supervised'
import { expect, it } from 'vitest'
import { afterTest, expectStops, fixture, pidsOf, supervise, untilDrained } from './supervising.ts'

const command = [process.execPath, fixture('handover/addresses.mjs')]
const HOSTS = { admin: '127.0.0.1', public: '127.0.0.2' }

async function open(port: number, host: string): Promise<RawConnection> {
  const client = await RawConnection.open(port, host)
  afterTest(() => client.close())
  return client
}

/** Asks on the connection: what answers, and of which process. */
async function ask(client: RawConnection): Promise<string> {
  client.send(get('/'))
  return answer(client)
}

async function answer(client: RawConnection): Promise<string> {
  return /\w+ of \d+$/.exec(await client.receive(/\w+ of \d+$/))?.[0] ?? ''
}

/** Lets the public server of each process listen. */
async function complete(supervised: Supervised, pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    process.kill(pid, 'SIGUSR2')
    await supervised.printed(new RegExp(`public of ${pid} listens`))
  }
}

/** The processes that serve once those before have handed everything over. */
async function reload(supervised: Supervised): Promise<number[]> {
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  await untilDrained(supervised)
  return pidsOf(supervised)
}

it.each([
  ['by port', {}, []],
  ['by name', { name: true }, []],
  ['in each of two workers', {}, ['--workers', '2']],
  ['bound by the program', { own: true }, []],
] as [string, { name?: boolean; own?: boolean }, string[]][])(
  'a connection goes to the server on its own address, which listens later (%s)',
  async (_, { name = false, own = false }, workers) => {
    const port = freePort()
    const servers = Object.entries(HOSTS).map(([id, host]) => {
      return name ? { id, name: id } : { id, host, port, ...(own && { fdStore: true }) }
    })
    const listen = Object.entries(HOSTS).flatMap(([id, host]) => {
      return ['--listen', `${name ? `${id}=` : ''}${host}:${port}`]
    })
    const supervised = supervise({
      command,
      args: [...(own ? [] : listen), ...workers, '--settle', '50'],
      env: { SERVERS: JSON.stringify(servers) },
    })
    const last = workers.length > 0 ? 2 : 1
    await supervised.printed(new RegExp(`generation 1(, worker ${last})? is ready`))
    let pids = await pidsOf(supervised)
    await complete(supervised, pids)
    const client = await open(port, HOSTS.public)
    expect(await ask(client)).toMatch(/^public of/)
    for (let round = 0; round < 3; round += 1) {
      pids = await reload(supervised)
      client.send(get('/'))
      const other = await open(port, HOSTS.admin)
      expect(await ask(other)).toMatch(/^admin of/)
      other.close()
      await complete(supervised, pids)
      const served = await answer(client)
      expect(pids.map((pid) => `public of ${pid}`)).toContain(served)
    }
    client.close()
    await expectStops(supervised)
  },
)
