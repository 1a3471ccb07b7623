import { DelayedNetwork } from '@socket-port/testkit/delayed-network'
import { describe, expect, it } from 'vitest'
import { LongLivedClients, whoServes } from '../../src/long-lived-clients.ts'
import { afterTest, fixture, start, untilDrained } from './supervising.ts'

const FIXTURE = fixture('long-lived.mjs')

/** Opens clients of each kind, which are `rtt` milliseconds away, and reloads. */
async function reload(env: Record<string, string>, rtt = 0) {
  const supervised = await start({
    command: [process.execPath, FIXTURE],
    env: { NODE_DEBUG: 'socket-port', ...env },
  })
  const network = await DelayedNetwork.open(await supervised.port(), rtt)
  afterTest(() => network.close())
  const clients = await LongLivedClients.open(network.port)
  afterTest(() => clients.close())
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  return { supervised, clients }
}

describe('what does not end by itself', () => {
  it.each([0, 20])(
    'ends as its protocol says at a reload, and its client comes back to the next process (round trip %d ms)',
    async (rtt) => {
      // The raw client does not answer.
      const DRAIN = JSON.stringify({ closeGrace: 500 })
      const { supervised, clients } = await reload({ DRAIN }, rtt)
      await clients.expectProperEnds()
      await clients.expectBackAt(await whoServes(await supervised.port()))
      // The old process is gone, and not because its deadline has come.
      await supervised.printed(/drained .*, 0 connections cut/)
      await untilDrained(supervised)
    },
  )

  it('negative control: left to a program that does nothing, it is cut at the deadline', async () => {
    const DRAIN = JSON.stringify({ webSocketCode: false, timeout: 500 })
    const { supervised, clients } = await reload({ WAY: 'left', DRAIN })
    // A poll ends in any case.
    await clients.expectCuts('transport close')
    await supervised.printed(/drained .*, [1-9]\d* connections cut/)
    await untilDrained(supervised)
  })
})
