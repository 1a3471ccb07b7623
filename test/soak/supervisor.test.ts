import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startLoad } from '@socket-port/testkit/load/load'
import { endProcesses } from '@socket-port/testkit/processes'
import { type Supervised, startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, expect, it } from 'vitest'

const SERVER = fileURLToPath(new URL('../fixtures/cli-server.mjs', import.meta.url))

// SOCKET_PORT_SOAK=20 is the short form that CI runs.
const rounds = Number(process.env.SOCKET_PORT_SOAK ?? 1000)

afterEach(endProcesses)

it(`${rounds} reloads of socket-port run lose nothing, and it keeps neither descriptors nor memory`, async () => {
  const args = ['--listen', '127.0.0.1:0', '--settle', '50']
  const supervised = startSupervised({ command: [process.execPath, SERVER], args })
  const { pid } = supervised
  try {
    const reload = async (generation: number): Promise<void> => {
      process.kill(pid, 'SIGHUP')
      await supervised.printed(new RegExp(`generation ${generation} is ready`))
    }
    await supervised.printed(/generation 1 is ready/)
    const load = await startLoad({
      target: { port: await supervised.port() },
      clients: 20,
      connection: 'mixed',
      method: 'mixed',
      think: [0, 50],
    })
    // Memory is compared once everything has been compiled, and buffers have their size.
    const warm = Math.ceil(rounds / 10) + 1
    for (let generation = 2; generation <= warm; generation += 1) await reload(generation)
    const before = { fds: await fdsOf(supervised), rss: rss(pid) }
    for (let generation = warm + 1; generation <= rounds + 1; generation += 1) {
      await reload(generation)
    }
    const { failures, failed, requests, closedByServer } = await load.stop()
    expect(failures).toEqual([])
    expect({ failed, closedByServer }).toEqual({ failed: 0, closedByServer: 0 })
    await supervised.untilOpenFds(before.fds)
    const after = { fds: await fdsOf(supervised), rss: rss(pid) }
    const flat = (['fds', 'rss'] as const).map((what) => `${before[what]} → ${after[what]}`)
    const { handedOver, received } = (await supervised.status()).connections
    console.log(
      `${requests} requests, 0 failed, 0 closed; ${handedOver} connections handed over, ${received} received; ` +
        `of the supervisor: fds ${flat[0]}, RSS ${flat[1]} MB`,
    )
    expect(received).toBe(handedOver)
    expect(after.rss - before.rss).toBeLessThan(30)
  } finally {
    await supervised.dispose()
  }
})

/** The descriptors of the supervisor, once the process before has drained. */
async function fdsOf(supervised: Supervised): Promise<number> {
  await supervised.until(({ generations }) => generations.length === 1)
  return supervised.openFds()
}

function rss(pid: number): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return Math.round((Number(pages) * 4096) / 2 ** 20)
}
