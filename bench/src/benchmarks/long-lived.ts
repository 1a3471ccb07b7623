import { fileURLToPath } from 'node:url'
import { now, openListener, startGeneration } from '@socket-port/testkit'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { startChild } from '../child.ts'
import type {
  LongLivedAnswer,
  LongLivedKind,
  LongLivedQuestion,
} from '../processes/long-lived-clients.ts'
import { estimate } from '../statistics.ts'

const COUNT = 2_000
const KINDS = { ws: 'WebSockets of ws', 'socket.io': 'Socket.IO' } as const
/** When the next process begins to serve. */
const NEXT = { running: 'serves already', 'after-exit': 'starts after the old one' } as const
const SERVER = fileURLToPath(new URL('../processes/long-lived-server.js', import.meta.url))

type Next = keyof typeof NEXT

interface Sample {
  /** From SIGTERM until the last client has seen its code, in milliseconds. */
  readonly closed: number
  /** From SIGTERM until the old process is gone. */
  readonly gone: number
  /** The most that were closed in one turn of the event loop. */
  readonly most: number
  /** Clients that saw another code than 1001. */
  readonly others: number
}

interface Cell {
  readonly kind: LongLivedKind
  readonly next: Next
  readonly samples: Sample[]
}

export const longLived: Benchmark = {
  name: 'long-lived',
  title: `a restart with ${COUNT} WebSockets, whose clients come back at once`,
  rounds: 5,
  async run({ rounds }) {
    const cells = (Object.keys(KINDS) as LongLivedKind[]).flatMap((kind) =>
      (Object.keys(NEXT) as Next[]).map((next): Cell => ({ kind, next, samples: [] })),
    )
    for (let round = 0; round < rounds; round += 1) {
      for (const { kind, next, samples } of cells) samples.push(await measure(kind, next))
    }
    return findings(cells)
  },
}

async function measure(kind: LongLivedKind, next: Next): Promise<Sample> {
  const listener = openListener()
  const start = () =>
    startGeneration({ script: SERVER, sockets: [{ fd: listener.fd }], env: { NEXT: next } })
  const generations = [start()]
  const [clients] = await startChild<LongLivedQuestion, LongLivedAnswer>('long-lived-clients')
  try {
    const [old] = generations
    if (old === undefined) throw new Error('no server was started')
    await old.ready()
    await clients.ask({ name: 'open', port: listener.port, count: COUNT, kind })
    if (next === 'running') {
      const successor = start()
      generations.push(successor)
      await successor.ready()
    }
    const asked = now()
    old.signal('SIGTERM')
    const answered = clients.ask({ name: 'closed' })
    const { at } = await old.exit
    if (next === 'after-exit') generations.push(start())
    const { codes, last } = await answered
    const { most } = JSON.parse(/\{"most":\d+\}/.exec(old.stdout)?.[0] ?? '{}') as Partial<Sample>
    if (most === undefined) throw new Error(`the server has reported no result: ${old.output}`)
    return { closed: last - asked, gone: at - asked, most, others: COUNT - (codes[1001] ?? 0) }
  } finally {
    await clients.end()
    for (const generation of generations) await generation.dispose()
    listener.close()
  }
}

function findings(cells: readonly Cell[]): Findings {
  const of = ({ samples }: Cell, field: keyof Sample) => estimate(samples.map((one) => one[field]))
  const rows = cells.map((cell) => [
    KINDS[cell.kind],
    NEXT[cell.next],
    `${of(cell, 'closed').median.toFixed(0)} ms`,
    `${of(cell, 'gone').median.toFixed(0)} ms`,
    of(cell, 'most').median.toFixed(0),
  ])
  const bars = cells.flatMap((cell): Bar[] => {
    const where = `${KINDS[cell.kind]}, the next process ${NEXT[cell.next]}`
    const ms = { unit: ' ms', digits: 0 }
    const count = { unit: '', digits: 0 }
    return [
      { what: `last code, ${where}`, found: of(cell, 'closed'), ...ms, limit: { lessThan: 3_000 } },
      {
        what: `old one gone, ${where}`,
        found: of(cell, 'gone'),
        ...ms,
        limit: { lessThan: 5_000 },
      },
      {
        what: `most closed in one tick, ${where}`,
        found: of(cell, 'most'),
        ...count,
        limit: { lessThan: COUNT / 10 + 1 },
      },
      { what: `not 1001, ${where}`, found: of(cell, 'others'), ...count, limit: { exactly: 0 } },
    ]
  })
  return {
    table: [
      ['', 'the next process', 'last code after', 'old one gone after', 'most in one tick'],
      ...rows,
    ],
    bars,
    notes: ['from SIGTERM; drain.spread is 2 s, as by default'],
    samples: cells,
  }
}
