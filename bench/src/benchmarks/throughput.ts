import { order } from '../alternate.ts'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { CONNECTIONS } from '../client.ts'
import { interval } from '../format.ts'
import { against, MEASURES, type Race, race, typical } from '../race.ts'

const VARIANTS = ['plain', 'serve', 'plain again'] as const
const BAR = 0.98

type Variant = (typeof VARIANTS)[number]

export const throughput: Benchmark = {
  name: 'throughput',
  title: 'requests a second of `serve` against plain `server.listen`, each in its own process',
  rounds: 20,
  async run({ rounds, seconds }) {
    const races: Race<Variant>[] = []
    for (let round = 0; round < rounds; round += 1) {
      const how = (variant: Variant): string => (variant === 'serve' ? 'serve' : 'plain')
      const variants = order(VARIANTS, round)
      races.push(...(await race(variants, seconds, 'server', (variant) => [how(variant)])))
    }
    return findings(races)
  },
}

function findings(races: readonly Race<Variant>[]): Findings {
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
  const notes = ['plain/plain is the control: what lies within its interval may be chance']
  return { table, bars, notes, samples: races }
}
