import { order } from '../alternate.ts'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { CONNECTIONS } from '../client.ts'
import { interval } from '../format.ts'
import { FRAMEWORKS, type Framework } from '../frameworks/index.ts'
import { against, MEASURES, type Race, race, typical } from '../race.ts'

type Variant = 'without' | 'with' | 'without again'

const VARIANTS: readonly Variant[] = ['without', 'with']
// The control is measured for one framework: the fastest, where noise is largest compared with a request.
const CONTROL: Framework = 'fastify'
const BAR = 0.98

interface FrameworkRace extends Race<Variant> {
  readonly framework: Framework
}

export const frameworks: Benchmark = {
  name: 'frameworks',
  title: 'requests a second of each framework, with the package of socket-port and without',
  rounds: 12,
  async run({ rounds, seconds }) {
    const races: FrameworkRace[] = []
    for (let round = 0; round < rounds; round += 1) {
      for (const framework of FRAMEWORKS) {
        const variants = framework === CONTROL ? [...VARIANTS, 'without again' as const] : VARIANTS
        const how = (variant: Variant): string => (variant === 'with' ? 'with' : 'without')
        const args = (variant: Variant): string[] => [framework, how(variant)]
        const found = await race(order(variants, round), seconds, 'framework', args)
        races.push(...found.map((one) => ({ framework, ...one })))
      }
    }
    return findings(races)
  },
}

function findings(races: readonly FrameworkRace[]): Findings {
  const units = MEASURES.flatMap(([, unit]) => [unit, 'with/without', '(95 %)'])
  const table = [['framework', 'connections', ...units]]
  const bars: Bar[] = []
  for (const connections of CONNECTIONS) {
    for (const framework of FRAMEWORKS) {
      const own = races.filter(
        (one) => one.framework === framework && one.connections === connections,
      )
      table.push([framework, connections, ...cells(own, 'with')])
      if (framework === CONTROL) {
        table.push([`${framework}, control`, connections, ...cells(own, 'without again')])
      }
      const what = `${framework} with/without, requests/s, ${connections}`
      const found = against(own, 'with', 'without', 'rate')
      bars.push({ what, found, unit: '', digits: 3, limit: { atLeast: BAR } })
    }
  }
  const notes = ['control is without/without: what lies within its interval may be chance']
  return { table, bars, notes, samples: races }
}

function cells(races: readonly Race<Variant>[], variant: Variant): string[] {
  return MEASURES.flatMap(([measure]) => {
    const found = against(races, variant, 'without', measure)
    const plain = typical(races, 'without', measure)
    return [plain.toFixed(0), found.median.toFixed(3), interval(found, 3)]
  })
}
