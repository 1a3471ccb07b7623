import { order } from '../alternate.ts'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { CONNECTIONS } from '../client.ts'
import { interval } from '../format.ts'
import {
  ATTACHED,
  type Build,
  COUNTS,
  type Cost,
  measureCost,
  type Reloaded,
} from '../handover-cost.ts'
import type { HandedOver } from '../handover-restarts.ts'
import { mostConnections, openFilesLimit } from '../machine.ts'
import { type Environment, olderBuild } from '../older-build.ts'
import type { Took } from '../processes/stopwatch.ts'
import { against, comparison, type Race, race, typical } from '../race.ts'
import { type Estimate, estimate, median, ratios } from '../statistics.ts'
import { openStore } from '../store.ts'

const VARIANTS = ['promise', 'auto', 'promise again'] as const
// With an older build of core (--before).
const BEFORE = 'auto before'
const BAR = 0.99

type Variant = (typeof VARIANTS)[number] | typeof BEFORE

export const handover: Benchmark = {
  name: 'handover',
  title:
    'connections handed over to the next process: what it costs, and what it costs to be ready',
  rounds: 20,
  async run({ rounds, seconds, before }) {
    const older = olderBuild(before)
    const costs: Cost[] = []
    const possible = COUNTS.filter((count) => count <= mostConnections())
    for (const count of possible) costs.push(await measureCost(count, rounds, older))
    return findings(costs, await raceAll(rounds, seconds, older), older !== undefined)
  },
}

async function raceAll(
  rounds: number,
  seconds: number,
  older: Environment | undefined,
): Promise<Race<Variant>[]> {
  const variants: readonly Variant[] = older === undefined ? VARIANTS : [...VARIANTS, BEFORE]
  const store = openStore()
  try {
    const races: Race<Variant>[] = []
    const args = (variant: Variant): string[] => [
      variant.startsWith('auto') ? 'auto' : 'promise',
      store.address,
    ]
    const env = (variant: Variant) => (variant === BEFORE ? older : undefined)
    for (let round = 0; round < rounds; round += 1) {
      races.push(...(await race(order(variants, round), seconds, 'handover-ready', args, env)))
    }
    return races
  } finally {
    await store.close()
  }
}

function findings(
  costs: readonly Cost[],
  races: readonly Race<Variant>[],
  compares: boolean,
): Findings {
  const bars: Bar[] = []
  const notes = CONNECTIONS.map((connections) => {
    const own = races.filter((one) => one.connections === connections)
    const auto = against(own, 'auto', 'promise', 'rate')
    const control = against(own, 'promise again', 'promise', 'rate')
    const what = `no restart, auto/promise, requests/s, ${connections}`
    bars.push({ what, found: auto, unit: '', digits: 3, limit: { atLeast: BAR } })
    const perCpu = against(own, 'auto', 'promise', 'perCpu')
    return (
      `${connections}: ${typical(own, 'promise', 'rate').toFixed(0)} requests/s with idle 'promise'; ` +
      `'auto'/'promise' ${auto.median.toFixed(3)} ${interval(auto, 3)}, ` +
      `per CPU second ${perCpu.median.toFixed(3)} ${interval(perCpu, 3)}, ` +
      `control ${control.median.toFixed(3)} ${interval(control, 3)}`
    )
  })
  const leftOut = COUNTS.filter((count) => costs.every((cost) => cost.count !== count)).map(
    (count) => `left out: ${count} connections, of ${openFilesLimit()} open files (ulimit -n)`,
  )
  return {
    table: tableOf(costs),
    bars,
    notes: [
      ...STEPS,
      ...leftOut,
      ...notes,
      ...(compares ? [...costs.flatMap(costComparison), ...comparison(races, 'auto', BEFORE)] : []),
    ],
    samples: { costs, races },
  }
}

/** CPU time of each step with this core against an older build; the control is this core against itself. */
function costComparison({ count, restarts }: Cost): string[] {
  return (['queue', 'sending', 'receiving'] as const).map((step) => {
    const cpu = (build: Build): number[] => restarts[build].map((one) => one[step].cpu)
    const [found, control] = [cpu('before'), cpu('now again')].map((base) =>
      estimate(ratios(cpu('now'), base)),
    ) as [Estimate, Estimate]
    return (
      `now/before ${found.median.toFixed(3)} ${interval(found, 3)}, ` +
      `control ${control.median.toFixed(3)} ${interval(control, 3)}: CPU time of ${step}, ${count} connections`
    )
  })
}

const STEPS = [
  'old gone after: from SIGTERM until its manager sees it gone; queue: from SIGTERM until the manager keeps it;',
  'sending: all connections sent and closed; receiving: from listening until the next process has the last',
  "calls: the bare system calls, sendmsg and close, or recvmsg; sockets: plain Node's, destroyed or made",
  `WebSockets: of ws, with ${ATTACHED} bytes attached to each; under "sockets" the most memory of the old process`,
  `Socket.IO: over WebSockets, with ${ATTACHED} bytes of data each; each acknowledges an event after the restart`,
  'socket-port run: the next process runs already, and receives while the old one sends: from the first sent',
]

function tableOf(costs: readonly Cost[]): string[][] {
  const heading = [
    'old gone after',
    'queue',
    'sending',
    'calls',
    'sockets',
    'receiving',
    'calls',
    'sockets',
  ]
  const rows = costs.flatMap((cost) => [
    [String(cost.count), ...cells(cost, 'wall')],
    ['  of CPU time', ...cells(cost, 'cpu')],
    ['  socket-port run', ...reloadCells(cost)],
    ['  WebSockets', ...longLivedCells(cost.webSockets, 'wall')],
    ['  of CPU time', ...longLivedCells(cost.webSockets, 'cpu')],
    ['  Socket.IO', ...longLivedCells(cost.socketIo, 'wall')],
    ['  of CPU time', ...longLivedCells(cost.socketIo, 'cpu')],
  ])
  return [['connections', ...heading], ...rows]
}

function cells({ restarts, without }: Cost, clock: keyof Took): string[] {
  const of = (field: 'queue' | 'sending' | 'receiving'): number =>
    median(restarts.now.map((one) => one[field][clock]))
  const bare = (...fields: ('send' | 'close' | 'destroy' | 'receive' | 'open')[]): number =>
    median(without.map((one) => fields.reduce((sum, field) => sum + one[field][clock], 0)))
  const exit = clock === 'wall' ? [median(restarts.now.map((one) => one.exit))] : []
  const sending = [of('queue'), of('sending'), bare('send', 'close'), bare('destroy')]
  const ms = [...exit, ...sending, of('receiving'), bare('receive'), bare('open')]
  return clock === 'wall' ? ms.map(inMs) : ['', ...ms.map(inMs)]
}

function reloadCells({ reloads }: Cost): string[] {
  const of = (field: keyof Reloaded): string => inMs(median(reloads.map((one) => one[field])))
  return [of('exit'), of('queue'), of('sending'), '', '', of('receiving')]
}

/** The cells for connections with state. The last one but one is the memory of the process that hands them over. */
function longLivedCells(restarts: readonly HandedOver[], clock: keyof Took): string[] {
  const of = (field: 'queue' | 'sending' | 'receiving'): string =>
    inMs(median(restarts.map((one) => one[field][clock])))
  const exit = clock === 'wall' ? inMs(median(restarts.map((one) => one.exit))) : ''
  const memory =
    clock === 'wall' ? `${median(restarts.map((one) => one.memory)).toFixed(0)} MiB` : ''
  return [exit, of('queue'), of('sending'), '', memory, of('receiving')]
}

const inMs = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`
