import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { CONNECTIONS, type Connections } from '../client.ts'
import { interval, table } from '../format.ts'
import { estimate, exact, median, ratios } from '../statistics.ts'
import { startCluster } from '../worker-pools/cluster.ts'
import { contest, type Performance } from '../worker-pools/contest.ts'
import { startPm2 } from '../worker-pools/pm2.ts'
import { type Reloads, reloads } from '../worker-pools/reloads.ts'
import { startSocketPort } from '../worker-pools/socket-port.ts'
import type { WorkerPool } from '../worker-pools/worker-pool.ts'

const BASE = 'node:cluster'
const POOLS = {
  'one socket': () => startSocketPort(),
  '--reuse-port': () => startSocketPort('--reuse-port'),
  [BASE]: startCluster,
  'cluster again': startCluster,
  pm2: startPm2,
} as const satisfies Record<string, () => Promise<WorkerPool>>
const VARIANTS = Object.keys(POOLS) as Variant[]

type Variant = keyof typeof POOLS
type PoolResults = Record<Variant, Performance>

export const workers: Benchmark = {
  name: 'workers',
  title: 'two workers of one server: kept by socket-port run, by node:cluster, by pm2',
  rounds: 4,
  async run({ rounds, seconds }) {
    const found: PoolResults[] = []
    for (let round = 0; round < rounds; round += 1) {
      const pools = await startPools()
      try {
        found.push(await contest(pools, seconds))
      } finally {
        await Promise.all(Object.values(pools).map((pool) => pool.end()))
      }
    }
    return findings(found, await reloads(rounds))
  },
}

async function startPools(): Promise<Record<Variant, WorkerPool>> {
  const started = VARIANTS.map(async (variant) => [variant, await POOLS[variant]()] as const)
  return Object.fromEntries(await Promise.all(started)) as Record<Variant, WorkerPool>
}

function findings(rounds: readonly PoolResults[], { restarts, leftOut }: Reloads): Findings {
  const headings = CONNECTIONS.flatMap((connections) => [
    connections === 'keep-alive' ? 'requests/s' : 'connections/s',
    `/${BASE}`,
    '(95 %)',
    'per CPU s',
  ])
  const rows = VARIANTS.map((variant) => [
    variant,
    ...CONNECTIONS.flatMap((connections) => cells(rounds, variant, connections)),
    ...rest(rounds, variant),
  ])
  const failed = restarts['socket-port reload']?.reduce((sum, one) => sum + one.failed, 0)
  const bars: Bar[] = [
    {
      what: 'failed requests, socket-port reload',
      found: exact(failed ?? Number.NaN),
      unit: '',
      digits: 0,
      limit: { exactly: 0 },
    },
  ]
  return {
    table: [['', ...headings, 'at once', 'in turn', 'new client waits', 'p90', 'manager'], ...rows],
    bars,
    notes: [
      'one socket, --reuse-port: of socket-port run; cluster again is the control',
      'at once, in turn: of 50 connections that idle workers are offered so, the share of the one that takes more',
      'new client waits: median and p90 while one of the two workers is busy, 20 ms at a time',
      'manager: resident memory of the supervisor, the cluster primary, the pm2 daemon; per CPU s counts its time too',
      '',
      ...table(restartTable(restarts)).split('\n'),
      '',
      'longest wait during one restart, median and worst, of 40 clients that keep their connection and 10 new clients',
      'socket-port and pm2 replace two workers one by one; systemd has one process, which hands its connections over',
      ...leftOut.map((what) => `left out: ${what}`),
    ],
    samples: { rounds, restarts },
  }
}

function cells(
  rounds: readonly PoolResults[],
  variant: Variant,
  connections: Connections,
): string[] {
  const rates = (who: Variant): number[][] => rounds.map((round) => round[who].rates[connections])
  const base = rates(BASE)
  const pairs = rates(variant).map((own, round) => ratios(own, base[round] ?? []))
  // The slices of one round are not independent of each other, because they come from the same processes.
  const found = { ...estimate(pairs.map(median)), median: median(pairs.flat()) }
  return [
    median(rates(variant).map(median)).toFixed(0),
    found.median.toFixed(2),
    interval(found, 2),
    median(rounds.map((round) => round[variant].perCpu[connections])).toFixed(0),
  ]
}

function rest(rounds: readonly PoolResults[], variant: Variant): string[] {
  const own = rounds.map((round) => round[variant])
  const waits = own.flatMap((one) => one.waits).sort((a, b) => a - b)
  const share = (how: keyof Performance['spread']): string =>
    `${(median(own.map((one) => one.spread[how])) * 100).toFixed(0)} %`
  return [
    share('atOnce'),
    share('inTurn'),
    `${median(waits).toFixed(1)} ms`,
    `${(waits[Math.floor(waits.length * 0.9)] ?? Number.NaN).toFixed(1)} ms`,
    `${(median(own.map(({ managerMemory }) => managerMemory)) / 1e6).toFixed(0)} MB`,
  ]
}

function restartTable(restarts: Reloads['restarts']): string[][] {
  const rows = Object.entries(restarts).map(([name, all]) => {
    const of = (field: 'client' | 'newClient' | 'took'): string[] => {
      const values = all.map((one) => one[field])
      return [`${median(values).toFixed(0)} ms`, `${Math.max(...values).toFixed(0)} ms`]
    }
    const failed = all.reduce((sum, one) => sum + one.failed, 0)
    return [name, ...of('client'), ...of('newClient'), String(failed), of('took')[0] ?? '']
  })
  return [['', 'client', 'worst', 'new client', 'worst', 'failed', 'command took'], ...rows]
}
