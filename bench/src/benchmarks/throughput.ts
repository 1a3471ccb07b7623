import { order } from '../alternate.ts'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { CONNECTIONS } from '../client.ts'
import { interval } from '../format.ts'
import { olderBuild } from '../older-build.ts'
import { against, comparison, MEASURES, type Race, race, typical } from '../race.ts'

const VARIANTS = ['plain', 'serve', 'plain again'] as const
// With an older build of core (--before).
const BEFORE = 'serve before'
const BAR = 0.98

type Variant = (typeof VARIANTS)[number] | typeof BEFORE

export const throughput: Benchmark = {
  name: 'throughput',
  title: 'requests a second of `serve` against plain `server.listen`, each in its own process',
  rounds: 20,
  async run({ rounds, seconds, before }) {
    const older = olderBuild(before)
    const variants: readonly Variant[] = older === undefined ? VARIANTS : [...VARIANTS, BEFORE]
    const how = (variant: Variant): string[] => [variant.startsWith('serve') ? 'serve' : 'plain']
    const env = (variant: Variant) => (variant === BEFORE ? older : undefined)
    const races: Race<Variant>[] = []
    for (let round = 0; round < rounds; round += 1) {
      races.push(...(await race(order(variants, round), seconds, 'server', how, env)))
    }
    return findings(races, older !== undefined)
  },
}

function findings(races: readonly Race<Variant>[], compares: boolean): Findings {
  const table = [
    ['connections', 'measured', 'plain', 'serve/plain', '(95 %)', 'plain/plain', '(95 %)'],
  ]
  const bars: Bar[] = []
  for (const connections of CONNECTIONS) {
    const own = races.filter((one) => one.connections === connections)
    for (const [measure, unit] of MEASURES) {
      const serve = against(own, 'serve', 'plain', measure)
      const control = against(own, 'plain again', 'plain', measure)
      const ratios = [serve, control].flatMap((one) => [one.median.toFixed(3), interval(one, 3)])
      table.push([connections, unit, typical(own, 'plain', measure).toFixed(0), ...ratios])
      if (measure !== 'rate') continue
      const what = `serve/plain, ${unit}, ${connections}`
      bars.push({ what, found: serve, unit: '', digits: 3, limit: { atLeast: BAR } })
    }
  }
  const notes = [
    'plain/plain is the control: what lies within its interval may be chance',
    ...(compares ? comparison(races, 'serve', BEFORE) : []),
  ]
  return { table, bars, notes, samples: races }
}
