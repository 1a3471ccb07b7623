import { alternate } from './alternate.ts'
import { type Child, startChild } from './child.ts'
import { type Client, CONNECTIONS, type Connections, openClient } from './client.ts'
import { interval } from './format.ts'
import type { Environment } from './older-build.ts'
import type { ServerAnswer, ServerQuestion } from './processes/probe.ts'
import { type Estimate, estimate, median, ratios } from './statistics.ts'

// Short enough that whatever else the machine does hits all alike.
const SLICE_MS = 5
// Requests until V8 has compiled what runs for each of them (--trace-opt): the rate rises several times
// over until then, so that a server a few hundred requests ahead would look faster.
const WARM_UP: Record<Connections, number> = { 'keep-alive': 7000, 'one per request': 4500 }
const TRIAL = 100

type Server = Child<ServerQuestion, ServerAnswer> & { readonly port: number }

export interface Slice {
  /** Requests per second. */
  readonly rate: number
  /** Requests per second of CPU time of the server. */
  readonly perCpu: number
}

export const MEASURES = [
  ['rate', 'requests/s'],
  ['perCpu', 'requests per CPU second'],
] as const

type Measure = (typeof MEASURES)[number][0]

/** What servers did that were up at the same time, loaded with one kind of connection. */
export interface Race<V extends string> {
  readonly connections: Connections
  readonly slices: Record<V, Slice[]>
}

/**
 * Starts a server process for each variant and loads them in turn, a slice each, for so many
 * seconds with each kind of connection. They start in the order given, which should differ from
 * round to round so that none is always the first.
 */
export async function race<V extends string>(
  variants: readonly V[],
  seconds: number,
  script: string,
  args: (variant: V) => readonly string[],
  env: (variant: V) => Environment | undefined = () => undefined,
): Promise<Race<V>[]> {
  // New processes: two of one program differ by a per cent or two for as long as they live.
  const servers = await each(variants, (variant) =>
    startServer(script, args(variant), env(variant)),
  )
  const races: Race<V>[] = []
  try {
    for (const connections of CONNECTIONS) {
      races.push({ connections, slices: await load(variants, servers, connections, seconds) })
    }
  } finally {
    await each(variants, (variant) => servers[variant].end())
  }
  return races
}

async function startServer(
  script: string,
  args: readonly string[],
  env: Environment = {},
): Promise<Server> {
  const [child, { port }] = await startChild<ServerQuestion, ServerAnswer>(script, args, { env })
  return { ...child, port }
}

async function load<V extends string>(
  variants: readonly V[],
  servers: Record<V, Server>,
  connections: Connections,
  seconds: number,
): Promise<Record<V, Slice[]>> {
  const clients = await each(variants, (variant) => openClient(servers[variant].port, connections))
  try {
    await each(variants, (variant) => clients[variant].run(WARM_UP[connections]))
    const trials = await alternate(variants, 4, (variant) => clients[variant].run(TRIAL))
    const trial = median(Object.values<number[]>(trials).flat())
    const requests = Math.ceil((TRIAL * SLICE_MS) / trial)
    const end = performance.now() + seconds * 1000
    return await alternate(
      variants,
      () => performance.now() < end,
      (variant) => measure(servers[variant], clients[variant], requests),
    )
  } finally {
    for (const variant of variants) clients[variant].close()
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

/** What a variant does: of each race the median of its slices, of those the median. */
export const typical = <V extends string>(
  races: readonly Race<V>[],
  variant: V,
  measure: Measure,
): number => median(races.map(({ slices }) => median(values(slices[variant], measure))))

/** The ratio of two variants: the median of all pairs of slices, its interval from the races. */
export function against<V extends string>(
  races: readonly Race<V>[],
  variant: V,
  base: V,
  measure: Measure,
): Estimate {
  const pairs = races.map(({ slices }) =>
    ratios(values(slices[variant], measure), values(slices[base], measure)),
  )
  // The pairs of one race are not independent of each other, its processes are the same.
  return { ...estimate(pairs.map(median)), median: median(pairs.flat()) }
}

/** For people: a server with this core against one with an older build, for each kind of connection. */
export function comparison<V extends string>(
  races: readonly Race<V>[],
  now: V,
  before: V,
): string[] {
  return CONNECTIONS.flatMap((connections) =>
    MEASURES.map(([measure, unit]) => {
      const own = races.filter((one) => one.connections === connections)
      const found = against(own, now, before, measure)
      return `now/before ${found.median.toFixed(3)} ${interval(found, 3)}: ${unit}, ${connections}`
    }),
  )
}

const values = (slices: readonly Slice[], measure: Measure): number[] =>
  slices.map((slice) => slice[measure])

async function each<V extends string, T>(
  variants: readonly V[],
  make: (variant: V) => Promise<T>,
): Promise<Record<V, T>> {
  const made = variants.map(async (variant) => [variant, await make(variant)] as const)
  return Object.fromEntries(await Promise.all(made)) as Record<V, T>
}
