import { expect, it } from 'vitest'
import { fuzzReloads } from '../suites/fuzz/supervised.ts'

// SOCKET_PORT_SOAK=20 is the short form that CI runs.
const reloads = Math.min(300, Number(process.env.SOCKET_PORT_SOAK ?? 300))
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

it(`fuzz of the hand-over, ${reloads} reloads: each response is that to its request, of the server that was asked`, async () => {
  const result = await fuzzReloads({ seed, clients: 40, goesOn: (done) => done < reloads })
  const { failures, total, connections, handedOver, counts } = result
  console.log(
    `${total} exchanges on ${connections} connections over ${reloads} reloads, ${handedOver} handed over: ` +
      `${failures.length} wrong (${JSON.stringify(counts)})`,
  )
  expect(failures).toEqual([])
  expect(handedOver).toBeGreaterThan(reloads)
})
