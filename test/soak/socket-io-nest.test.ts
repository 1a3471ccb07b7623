import { freePort } from '@socket-port/testkit/native'
import { expect, it } from 'vitest'
import { StrictSocketIo } from '../src/socket-io/strict-client.ts'
import { afterTest, fixture, start } from '../suites/cli/supervising.ts'

const command = [process.execPath, fixture('socket-io-nest.mjs')]

async function reload(WAY: string) {
  const port = freePort()
  const args = ['--listen', `127.0.0.1:${port}`]
  const supervised = await start({ args, command, env: { WAY, PORT: String(port) } })
  const client = await StrictSocketIo.open(port, { begins: 'polling', room: 'a' })
  afterTest(() => client.close())
  const heard = Promise.allSettled([client.heard(2)])
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  const [{ status }] = await heard
  return { status, faults: client.faults, output: supervised.generation.output }
}

it.each(['adapter', 'gateway'])(
  'clients of a gateway of Nest notice no reload: io is handed over in the %s',
  async (way) => {
    const { output, ...seen } = await reload(way)
    expect(seen).toEqual({ status: 'fulfilled', faults: [] })
    expect(output).not.toMatch(/disconnect|warning/)
  },
)

it('negative control: without the call they are disconnected', async () => {
  expect(await reload('')).toMatchObject({
    status: 'rejected',
    faults: ['disconnect: transport close'],
  })
})
