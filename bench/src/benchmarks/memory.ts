import { alternate } from '../alternate.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { type Child, startChild } from '../child.ts'
import { interval, signed } from '../format.ts'
import { mostConnections } from '../machine.ts'
import type { ConnectionsAnswer, ConnectionsQuestion } from '../processes/connections.ts'
import type { ServerAnswer, ServerQuestion } from '../processes/probe.ts'
import { difference, type Estimate, median } from '../statistics.ts'

const VARIANTS = ['plain', 'plain again', 'serve'] as const
const FIELDS = ['heap', 'rss'] as const
const WANTED = 10_000

type Variant = (typeof VARIANTS)[number]
type Client = Child<ConnectionsQuestion, ConnectionsAnswer>

/** Bytes for each open connection. */
interface Sample {
  readonly heap: number
  readonly rss: number
}

export const memory: Benchmark = {
  name: 'memory',
  title: 'bytes that a server holds for each open keep-alive connection',
  rounds: 3,
  async run({ rounds }) {
    const count = Math.min(WANTED, mostConnections())
    const [client] = await startChild<ConnectionsQuestion, ConnectionsAnswer>('connections')
    try {
      const samples = await alternate(VARIANTS, rounds, (variant) =>
        measure(client, variant, count),
      )
      return findings(samples, count)
    } finally {
      await client.end()
    }
  },
}

async function measure(client: Client, variant: Variant, count: number): Promise<Sample> {
  const how = variant === 'serve' ? 'serve' : 'plain'
  const execArgv = ['--expose-gc']
  const [server, { port }] = await startChild<ServerQuestion, ServerAnswer>('server', [how], {
    execArgv,
  })
  try {
    // Open some before: what the first connections allocate for good is no cost of each connection.
    await client.ask({ name: 'open', port, count: 100 })
    await client.ask({ name: 'close' })
    const before = await server.ask('memory')
    const { open } = await client.ask({ name: 'open', port, count })
    if (open !== count) throw new Error(`only ${open} of ${count} connections stayed open`)
    const after = await server.ask('memory')
    await client.ask({ name: 'close' })
    return {
      heap: (after.heap - before.heap) / count,
      rss: (after.rss - before.rss) / count,
    }
  } finally {
    await server.end()
  }
}

function findings(samples: Record<Variant, Sample[]>, count: number): Findings {
  const values = (variant: Variant, field: keyof Sample): number[] =>
    samples[variant].map((sample) => sample[field])
  const more = (variant: Variant, field: keyof Sample): Estimate =>
    difference(values(variant, field), values('plain', field))
  const cell = (variant: Variant, field: keyof Sample): string => {
    const found = more(variant, field)
    return `${signed(found.median, 0)} ${interval(found, 0)}`
  }
  const rows = FIELDS.map((field) => [
    field === 'heap' ? 'JavaScript heap' : 'resident memory',
    median(values('plain', field)).toFixed(0),
    cell('plain again', field),
    cell('serve', field),
  ])
  return {
    table: [['bytes a connection', 'plain', 'plain again', 'serve'], ...rows],
    bars: [],
    notes: [
      `${count} connections, one request made on each, garbage collected`,
      'plain: the value itself; the others: how much more it is',
    ],
    samples: { count, ...samples },
  }
}
