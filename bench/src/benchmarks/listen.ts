import { mkdtempSync, rmSync } from 'node:fs'
import module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, type Listener, openListener, startGeneration } from '@socket-port/testkit'
import { alternate } from '../alternate.ts'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { interval, signed } from '../format.ts'
import { type Environment, olderBuild, thisBuild } from '../older-build.ts'
import type { ListenReading } from '../processes/listen-reading.ts'
import { difference, type Estimate, exact, median } from '../statistics.ts'

const STARTS = ['cold', 'inherited'] as const
const HOWS = ['plain', 'plain again', 'listen', 'serve', 'register'] as const
// With an older build of core (--before).
const HOWS_BEFORE = ['listen before', 'serve before'] as const
// With the compile cache that `socket-port run` turns on for its processes.
const HOWS_CACHED = ['listen cached', 'serve cached'] as const

type Start = (typeof STARTS)[number]
type How = (typeof HOWS)[number] | (typeof HOWS_BEFORE)[number] | (typeof HOWS_CACHED)[number]
type Variant = `${Start} ${How}`
type Samples = Partial<Record<Variant, ListenReading[]>>

const CALL = { field: 'call', name: 'call', unit: ' ms', size: 1, digits: 2 } as const
const RSS = { field: 'rss', name: 'rss', unit: ' MB', size: 1e6, digits: 2 } as const

const FIELDS = [
  CALL,
  { field: 'callCpu', name: 'call, CPU', unit: ' ms', size: 1, digits: 2 },
  { field: 'import', name: 'import', unit: ' ms', size: 1, digits: 2 },
  { field: 'importCpu', name: 'import, CPU', unit: ' ms', size: 1, digits: 2 },
  { field: 'whole', name: 'whole', unit: ' ms', size: 1, digits: 2 },
  { field: 'cpu', name: 'whole, CPU', unit: ' ms', size: 1, digits: 2 },
  RSS,
] as const

type Field = (typeof FIELDS)[number]

const SCRIPT = fileURLToPath(new URL('../processes/listen-sample.js', import.meta.url))

// Node 20 has no compile cache. @types/node 20, by which this is compiled, does not know the function.
const HAS_COMPILE_CACHE = 'enableCompileCache' in module

const PRELOAD = fileURLToPath(import.meta.resolve('@socket-port/core/register'))

export const listen: Benchmark = {
  name: 'listen',
  title: 'from nothing to listening, a fresh process for each sample',
  rounds: 20,
  async run({ rounds, before }) {
    const older = olderBuild(before)
    const hows: readonly How[] = [
      ...HOWS,
      ...(older === undefined ? [] : HOWS_BEFORE),
      ...(HAS_COMPILE_CACHE ? HOWS_CACHED : []),
    ]
    const variants = STARTS.flatMap((start) => hows.map((how): Variant => `${start} ${how}`))
    const listener = openListener()
    const cache = mkdtempSync(join(tmpdir(), 'socket-port-bench-'))
    try {
      // The first round reads the files from disk, fills the compile cache, and is not counted.
      const samples = await alternate(variants, rounds + 1, (variant) =>
        sample(variant, listener, older, cache),
      )
      for (const variant of variants) samples[variant].shift()
      return findings(samples, older !== undefined)
    } finally {
      listener.close()
      rmSync(cache, { recursive: true })
    }
  },
}

/** `cold` binds any free port; `inherited` gets the listener as fd 3, as from a manager. */
async function sample(
  variant: Variant,
  listener: Listener,
  older: Environment | undefined,
  cache: string,
): Promise<ListenReading> {
  const [start, how = '', which] = variant.split(' ')
  const inherited = start === 'inherited'
  const preload = how === 'register' ? ['--require', PRELOAD] : []
  const build = older === undefined || which === 'before' ? older : thisBuild()
  const env = { ...build, ...(which === 'cached' && { NODE_COMPILE_CACHE: cache }) }
  const generation = startGeneration({
    command: [process.execPath, ...preload, SCRIPT],
    args: inherited
      ? [how, String(listener.port), 'inherited']
      : [how, ...(how === 'register' ? [String(freePort())] : [])],
    sockets: inherited ? [listener] : [],
    env,
  })
  try {
    const reading: unknown = await generation.ready()
    const { code } = await generation.exit
    if (code !== 0 || generation.stderr !== '') {
      throw new Error(`${variant} ended with code ${code}; its stderr: ${generation.stderr}`)
    }
    return reading as ListenReading
  } finally {
    await generation.dispose()
  }
}

function findings(samples: Samples, compares: boolean): Findings {
  const hows: readonly How[] = [
    'plain again',
    ...(compares
      ? (['listen', 'listen before', 'serve', 'serve before'] as const)
      : (['listen', 'serve', 'register'] as const)),
    ...(HAS_COMPILE_CACHE ? HOWS_CACHED : []),
  ]
  const table = [['', 'plain', ...hows]]
  for (const start of STARTS) {
    for (const field of FIELDS) {
      const { digits, unit } = field
      const plain = `${median(values(samples, start, 'plain', field)).toFixed(digits)}${unit}`
      const others = hows.map((how) => {
        const found = more(samples, start, how, field)
        return `${signed(found.median, digits)} ${interval(found, digits)}`
      })
      table.push([`${start} ${field.name}`, plain, ...others])
    }
  }
  const notes = [
    'plain: the value itself; all others: how much more it is, with the 95 % interval of the median',
    'register: the program of plain, with the preload and a port of its own',
    'import: importing core, with node:http loaded before; whole: from the start of the process to listening, import included',
    HAS_COMPILE_CACHE
      ? 'cached: with the compile cache that socket-port run turns on; plain has none'
      : 'without the columns for the compile cache: this Node has none, Node 22.1 has one',
    ...(compares
      ? [
          'both builds are imported by the URLs of their files, so import lacks what it takes to find the package by its name',
          ...comparison(samples),
        ]
      : []),
  ]
  return { table, bars: bars(samples), notes, samples }
}

/** What a start takes with this core and with the older one, as medians and their ratio. */
function comparison(samples: Samples): string[] {
  const rows = STARTS.flatMap((start) =>
    (['listen', 'serve'] as const).flatMap((how) =>
      FIELDS.map((field) => {
        const [now, then] = ([how, `${how} before`] as const).map((each) =>
          median(values(samples, start, each, field)),
        )
        return { what: `${start} ${how}, ${field.name}`, now, then, field }
      }),
    ),
  )
  return rows.flatMap(({ what, now, then, field: { digits, unit } }) =>
    now === undefined || then === undefined
      ? []
      : `before ${then.toFixed(digits)}, now ${now.toFixed(digits)}${unit} (${(now / then).toFixed(2)}): ${what}`,
  )
}

function bars(samples: Samples): Bar[] {
  const bar = (start: Start, how: How, field: Field, limit: number): Bar => ({
    what: `${start} ${how} against plain, ${field.name}`,
    found: more(samples, start, how, field),
    unit: field.unit,
    digits: field.digits,
    limit: { lessThan: limit },
  })
  return [
    bar('cold', 'listen', CALL, 1),
    bar('inherited', 'listen', CALL, 20),
    bar('inherited', 'listen', RSS, 12),
    {
      what: 'native code loaded by a cold start',
      found: exact(nativeCode(samples).length),
      unit: ' files',
      digits: 0,
      limit: { exactly: 0 },
    },
  ]
}

/** Shared objects that a cold start has loaded and plain Node has not. */
function nativeCode(samples: Samples): string[] {
  const objects = (start: Start, how: How): Set<string> =>
    new Set(readings(samples, start, how).flatMap(({ sharedObjects }) => sharedObjects))
  const plain = objects('cold', 'plain')
  // Check that the list can show native code at all, and that an inherited start uses it: else 0 would prove nothing.
  if ([...objects('inherited', 'listen')].every((object) => plain.has(object))) {
    throw new Error('the inherited start did not load libc either: is koffi installed?')
  }
  const cold = new Set([...objects('cold', 'listen'), ...objects('cold', 'serve')])
  return [...cold].filter((object) => !plain.has(object))
}

function more(samples: Samples, start: Start, how: How, field: Field): Estimate {
  return difference(values(samples, start, how, field), values(samples, start, 'plain', field))
}

const values = (samples: Samples, start: Start, how: How, { field, size }: Field): number[] =>
  readings(samples, start, how).map((reading) => reading[field] / size)

const readings = (samples: Samples, start: Start, how: How): readonly ListenReading[] =>
  samples[`${start} ${how}`] ?? []
