import { setTimeout } from 'node:timers/promises'
import {
  type LoadCounts,
  type LoadOptions,
  startLoad,
  systemdSkipReason,
} from '@socket-port/testkit'
import { alternate } from '../alternate.ts'
import { startPm2 } from './pm2.ts'
import { startSocketPort } from './socket-port.ts'
import { startSystemd } from './systemd.ts'

export const CONTROL = 'no restart'
const PACE: Omit<LoadOptions, 'target'> = { think: [0, 20], expectBody: 'hello\n' }
const CONTROL_MS = 1_500

/** A restart under load, as clients saw it; times in milliseconds. */
export interface Restart {
  /** The longest wait of a client that keeps its connection. */
  readonly client: number
  /** The longest wait of a client that opens a new connection for each request. */
  readonly newClient: number
  readonly failed: number
  /** How long the command took. */
  readonly took: number
}

interface Way {
  readonly port: number
  restart(): Promise<void>
  end(): Promise<void>
}

export interface Reloads {
  readonly restarts: Record<string, Restart[]>
  /** What could not be measured here, and why. */
  readonly leftOut: readonly string[]
}

/** Restarts one server in each way, `rounds` times, in alternating order. */
export async function reloads(rounds: number): Promise<Reloads> {
  const why = systemdSkipReason()
  const ways = new Map<string, Way>()
  try {
    ways.set('socket-port reload', way(await startSocketPort()))
    if (why === undefined) ways.set('systemctl restart', await startSystemd())
    ways.set('pm2 reload', way(await startPm2()))
    const control = ways.get('socket-port reload') as Way
    ways.set(CONTROL, { ...control, restart: () => setTimeout(CONTROL_MS), end: async () => {} })
    const restarts = await alternate([...ways.keys()], rounds, (name) =>
      restartUnderLoad(ways.get(name) as Way),
    )
    return { restarts, leftOut: why === undefined ? [] : [`systemctl restart: ${why}`] }
  } finally {
    for (const { end } of ways.values()) await end()
  }
}

async function restartUnderLoad({ port, restart }: Way): Promise<Restart> {
  const target = { port }
  const loads = await Promise.all([
    startLoad({ ...PACE, target, clients: 40 }),
    startLoad({ ...PACE, target, clients: 10, connection: 'per-request' }),
  ])
  const all = <T>(work: (load: (typeof loads)[number]) => Promise<T>): Promise<T[]> =>
    Promise.all(loads.map(work))
  try {
    await all((load) => load.oneRequestEach())
    await all((load) => load.countsSinceLast())
    const started = performance.now()
    await restart()
    const took = performance.now() - started
    await all((load) => load.oneRequestEach())
    const [clients, newClients] = (await all((load) => load.countsSinceLast())) as [
      LoadCounts,
      LoadCounts,
    ]
    return {
      client: clients.longestStall?.ms ?? Number.NaN,
      newClient: newClients.longestStall?.ms ?? Number.NaN,
      failed: clients.failed + newClients.failed,
      took,
    }
  } finally {
    await all((load) => load.dispose())
  }
}

const way = ({ port, reload, end }: Awaited<ReturnType<typeof startPm2>>): Way => ({
  port,
  end,
  restart: () => reload?.() ?? Promise.reject(new Error('there is no reload')),
})
