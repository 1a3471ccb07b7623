import { freePort } from '@socket-port/testkit/native'
import type { Supervised } from '@socket-port/testkit/supervised'
import { afterTest, fixture, supervise, untilDrained } from '../cli/supervising.ts'
import { Fuzz, type FuzzResult } from './clients.ts'

const HOSTS = { a: '127.0.0.1', b: '127.0.0.2' }

export interface FuzzOptions {
  seed: number
  /** @default 16 */
  clients?: number
  /** Reloads until it says no more. */
  goesOn: (reloads: number) => boolean
  /** Variables of the servers. */
  env?: Readonly<Record<string, string>>
  args?: readonly string[]
}

/** Fuzzes two servers on one port over reloads of `socket-port run`. */
export async function fuzzReloads(
  options: FuzzOptions,
): Promise<FuzzResult & { reloads: number; handedOver: number }> {
  const { seed, clients = 16, goesOn, env = {}, args = [] } = options
  console.log(`hand-over fuzz: FUZZ_SEED=${seed} repeats what its clients send`)
  const port = freePort()
  const listen = Object.values(HOSTS).flatMap((host) => ['--listen', `${host}:${port}`])
  const supervised = supervise({
    command: [process.execPath, fixture('handover/fuzz.mjs')],
    args: [...listen, '--settle', '50', ...args],
    env: { HOSTS: JSON.stringify(Object.values(HOSTS)), PORT: String(port), ...env },
  })
  await supervised.printed(/generation 1 is ready/)
  const fuzz = new Fuzz({ port, hosts: HOSTS }, seed, clients)
  afterTest(() => fuzz.stop())
  let reloads = 0
  await fuzz.oneRequestEach()
  for (; goesOn(reloads); reloads += 1) {
    await reload(supervised, reloads + 2)
    await fuzz.oneRequestEach()
  }
  const result = await fuzz.stop()
  await untilDrained(supervised)
  const { handedOver } = (await supervised.status()).connections
  return { ...result, reloads, handedOver }
}

/** By the signal: a command of its own for each reload would take longer than the reload. */
async function reload({ pid, printed }: Supervised, generation: number): Promise<void> {
  process.kill(pid, 'SIGHUP')
  const [text] = await printed(new RegExp(`generation ${generation} (is ready|failed.*)`))
  if (!text.endsWith('is ready')) throw new Error(text)
}
