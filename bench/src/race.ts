import { alternate } from './alternate.ts'
import { type Child, startChild } from './child.ts'
import { type Client, CONNECTIONS, type Connections, openClient } from './client.ts'
import { interval } from './format.ts'
import type { Environment } from './older-build.ts'
import type { ServerAnswer, ServerQuestion } from './processes/probe.ts'
import { type Estimate, estimate, median, ratios } from './statistics.ts'

// Short, so that other programs on the machine disturb all variants equally.
const SLICE_MS = 5
// The number of requests until V8 has compiled the code that runs for each (--trace-opt). The rate rises several times over
// until then, so a server that is a few hundred requests ahead would look faster.
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

/** The results of servers that ran at the same time, under one kind of connection. */
export interface Race<V extends string> {
  readonly connections: Connections
  readonly slices: Record<V, Slice[]>
}

/**
 * Starts a server process for each variant, and loads the servers one after the other in short slices, for `seconds` with each
 * kind of connection. They start in the order of `variants`, which should differ from round to round so that none is always
 * the first.
 */
export async function race<V extends string>(
  variants: readonly V[],
  seconds: number,
  script: string,
  args: (variant: V) => readonly string[],
  env: (variant: V) => Environment | undefined = () => undefined,
): Promise<Race<V>[]> {
  // Start new processes: two of one program differ by one or two per cent for as long as they live.
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

/** The typical value of a variant: the median over all races of the median of its slices. */
export const typical = <V extends string>(
  races: readonly Race<V>[],
  variant: V,
  measure: Measure,
): number => median(races.map(({ slices }) => median(values(slices[variant], measure))))

/** The ratio of two variants: its median comes from all pairs of slices, its interval from the races. */
export function against<V extends string>(
  races: readonly Race<V>[],
  variant: V,
  base: V,
  measure: Measure,
): Estimate {
  const pairs = races.map(({ slices }) =>
    ratios(values(slices[variant], measure), values(slices[base], measure)),
  )
  // The pairs of one race are not independent of each other, because they come from the same processes.
  return { ...estimate(pairs.map(median)), median: median(pairs.flat()) }
}

/** Lines that compare a server with this core and one with an older build, for each kind of connection. */
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
