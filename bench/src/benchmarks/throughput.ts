import { alternate } from '../alternate.ts'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { type Child, startChild } from '../child.ts'
import { type Client, CONNECTIONS, type Connections, openClient } from '../client.ts'
import { interval } from '../format.ts'
import type { ServerAnswer, ServerQuestion } from '../processes/probe.ts'
import { type Estimate, estimate, median, ratio } from '../statistics.ts'

const VARIANTS = ['plain', 'serve', 'plain again'] as const
const BAR = 0.98
// About ten milliseconds: short enough that whatever else the machine does hits all alike.
const REQUESTS: Record<Connections, number> = { 'keep-alive': 300, 'one per request': 100 }
const WARM_UP = 15

type Variant = (typeof VARIANTS)[number]
type Server = Child<ServerQuestion, ServerAnswer> & { readonly port: number }

interface Slice {
  /** Requests per second. */
  readonly rate: number
  /** Requests per second of CPU time of the server. */
  readonly perCpu: number
}

interface Round {
  readonly connections: Connections
  readonly slices: Record<Variant, Slice[]>
}

export const throughput: Benchmark = {
  name: 'throughput',
  title: 'requests a second of `serve` against plain `server.listen`, each in its own process',
  rounds: 10,
  async run({ rounds, seconds }) {
    const found: Round[] = []
    for (let round = 0; round < rounds; round += 1) {
      // New processes: two of one program differ by a per cent or two for as long as they live.
      const servers = await startServers()
      try {
        for (const connections of CONNECTIONS) {
          found.push({ connections, slices: await race(servers, connections, seconds) })
        }
      } finally {
        await Promise.all(VARIANTS.map((variant) => servers[variant].end()))
      }
    }
    return findings(found)
  },
}

async function startServers(): Promise<Record<Variant, Server>> {
  const servers = VARIANTS.map(async (variant): Promise<[Variant, Server]> => {
    const how = variant === 'serve' ? 'serve' : 'plain'
    const [child, { port }] = await startChild<ServerQuestion, ServerAnswer>('server', [how])
    return [variant, { ...child, port }]
  })
  return Object.fromEntries(await Promise.all(servers)) as Record<Variant, Server>
}

/** Loads the servers in turn, a slice each, until the time is over. */
async function race(
  servers: Record<Variant, Server>,
  connections: Connections,
  seconds: number,
): Promise<Record<Variant, Slice[]>> {
  const opened = VARIANTS.map(
    async (variant) =>
      [variant, await openClient(servers[variant].port, connections)] as [Variant, Client],
  )
  const clients = Object.fromEntries(await Promise.all(opened)) as Record<Variant, Client>
  const requests = REQUESTS[connections]
  try {
    await alternate(VARIANTS, WARM_UP, (variant) => clients[variant].run(requests))
    const end = performance.now() + seconds * 1000
    return await alternate(
      VARIANTS,
      () => performance.now() < end,
      (variant) => measure(servers[variant], clients[variant], requests),
    )
  } finally {
    for (const variant of VARIANTS) clients[variant].close()
  }
}

async function measure(server: Server, client: Client, requests: number): Promise<Slice> {
  const before = await server.ask('usage')
  const milliseconds = await client.run(requests)
  const after = await server.ask('usage')
  if (after.requests - before.requests !== requests) {
    throw new Error(`${requests} requests were answered, but the server saw another number`)
  }
  return {
    rate: (requests * 1000) / milliseconds,
    perCpu: (requests * 1e6) / (after.cpu - before.cpu),
  }
}

const MEASURES = [
  ['rate', 'requests/s'],
  ['perCpu', 'requests per CPU second'],
] as const

type Measure = (typeof MEASURES)[number][0]

function findings(rounds: readonly Round[]): Findings {
  const table = [
    ['connections', 'measured', 'plain', 'serve/plain', '(95 %)', 'plain/plain', '(95 %)'],
  ]
  const bars: Bar[] = []
  for (const connections of CONNECTIONS) {
    const own = rounds.filter((round) => round.connections === connections)
    for (const [measure, unit] of MEASURES) {
      const plain = median(own.map(({ slices }) => median(values(slices.plain, measure))))
      const serve = against(own, 'serve', measure)
      const control = against(own, 'plain again', measure)
      const ratios = [serve, control].flatMap((one) => [one.median.toFixed(3), interval(one, 3)])
      table.push([connections, unit, plain.toFixed(0), ...ratios])
      if (measure !== 'rate') continue
      const what = `serve/plain, ${unit}, ${connections}`
      bars.push({ what, found: serve, unit: '', digits: 3, limit: { atLeast: BAR } })
    }
  }
  const notes = ['plain/plain is the control: what lies within its interval may be chance']
  return { table, bars, notes, samples: rounds }
}

/** The ratio to plain: of each round the median of its slices, of those the median. */
function against(rounds: readonly Round[], variant: Variant, measure: Measure): Estimate {
  const ofRound = ({ slices }: Round): number =>
    ratio(values(slices[variant], measure), values(slices.plain, measure)).median
  return estimate(rounds.map(ofRound))
}

const values = (slices: readonly Slice[], measure: Measure): number[] =>
  slices.map((slice) => slice[measure])
