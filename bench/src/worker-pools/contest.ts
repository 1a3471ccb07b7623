import { Agent, get } from 'node:http'
import { text } from 'node:stream/consumers'
import { alternate } from '../alternate.ts'
import { type Client, CONNECTIONS, type Connections, openClient } from '../client.ts'
import { cpuTime, residentMemory } from '../process-facts.ts'
import { median } from '../statistics.ts'
import type { WorkerPool } from './worker-pool.ts'

const SLICE_MS = 10
const WARM_UP: Record<Connections, number> = { 'keep-alive': 4000, 'one per request': 1500 }
const TRIAL = 100
const NEW_CLIENTS = 50

/** The results of a worker pool in one round, in slices that alternate with those of the others. */
export interface Performance {
  /** Requests per second in each slice. Without keep-alive, each request has a new connection. */
  readonly rates: Record<Connections, number[]>
  /** Requests per second of CPU time of the workers and of the process that keeps them. */
  readonly perCpu: Record<Connections, number>
  /** The share of connections that the busier worker gets, if they are opened while both are idle. */
  readonly spread: { readonly atOnce: number; readonly inTurn: number }
  /** How long new clients waited while one of the workers was busy, in milliseconds. */
  readonly waits: readonly number[]
  /** The memory of the process that keeps the workers, in bytes, after all measurements. */
  readonly managerMemory: number
}

interface Entry {
  readonly pool: WorkerPool
  readonly rates: Record<Connections, number[]>
  readonly perCpu: Record<Connections, number>
  spread: Performance['spread']
  waits: number[]
}

/** Loads the worker pools one after the other in short slices, for `seconds` with each kind of connection. */
export async function contest<V extends string>(
  pools: Record<V, WorkerPool>,
  seconds: number,
): Promise<Record<V, Performance>> {
  const variants = Object.keys(pools) as V[]
  const entries = map(variants, (variant): Entry => {
    const none = { 'keep-alive': 0, 'one per request': 0 }
    const rates = { 'keep-alive': [], 'one per request': [] }
    return {
      pool: pools[variant],
      rates,
      perCpu: none,
      spread: { atOnce: 0, inTurn: 0 },
      waits: [],
    }
  })
  for (const connections of CONNECTIONS) await load(variants, entries, connections, seconds)
  for (const variant of variants) {
    entries[variant].spread = await spread(pools[variant].port)
    entries[variant].waits = await besideBusy(pools[variant].port)
  }
  return map(variants, (variant) => {
    const { pool, ...found } = entries[variant]
    return { ...found, managerMemory: residentMemory(pool.manager) }
  })
}

async function load<V extends string>(
  variants: readonly V[],
  entries: Record<V, Entry>,
  connections: Connections,
  seconds: number,
): Promise<void> {
  const clients = await Promise.all(
    variants.map((variant) => openClient(entries[variant].pool.port, connections)),
  )
  const clientOf = (variant: V): Client => clients[variants.indexOf(variant)] as Client
  try {
    for (const client of clients) await client.run(WARM_UP[connections])
    const trials = await alternate(variants, 4, (variant) => clientOf(variant).run(TRIAL))
    const trial = median(Object.values<number[]>(trials).flat())
    const requests = Math.ceil((TRIAL * SLICE_MS) / trial)
    const before = map(variants, (variant) => cpuOf(entries[variant].pool))
    const end = performance.now() + seconds * 1000
    const took = await alternate(
      variants,
      () => performance.now() < end,
      (variant) => clientOf(variant).run(requests),
    )
    for (const variant of variants) {
      const entry = entries[variant]
      const cpu = cpuOf(entry.pool) - before[variant]
      entry.rates[connections].push(...took[variant].map((ms) => (requests * 1000) / ms))
      entry.perCpu[connections] = (requests * took[variant].length) / cpu
    }
  } finally {
    for (const client of clients) client.close()
  }
}

async function spread(port: number): Promise<Performance['spread']> {
  const inTurn: string[] = []
  while (inTurn.length < NEW_CLIENTS) inTurn.push(await ask(port, '/who'))
  const atOnce = await Promise.all(Array.from({ length: NEW_CLIENTS }, () => ask(port, '/who')))
  return { atOnce: mostOf(atOnce), inTurn: mostOf(inTurn) }
}

function mostOf(pids: readonly string[]): number {
  const [first] = pids
  const share = pids.filter((pid) => pid === first).length / pids.length
  return Math.max(share, 1 - share)
}

/** Opens one new client after the other, while another client keeps a worker busy. Returns how long each waited. */
async function besideBusy(port: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const newClient = await openClient(port, 'one per request')
  const waits: number[] = []
  let over = false
  const busy = async (): Promise<void> => {
    while (!over) await ask(port, '/busy', agent)
  }
  const asking = busy()
  while (waits.length < NEW_CLIENTS) waits.push(await newClient.run(1))
  over = true
  await asking
  agent.destroy()
  return waits
}

/** Asks on a connection of its own, unless there is an agent. */
function ask(port: number, path: string, agent: Agent | false = false): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, agent, host: '127.0.0.1', path }, (response) => {
      text(response).then(resolve, reject)
    }).once('error', reject)
  })
}

/** The CPU time of the workers and of the process that keeps them, in seconds. */
const cpuOf = ({ manager, workers }: WorkerPool): number =>
  [manager, ...workers].reduce((sum, pid) => sum + cpuTime(pid), 0)

function map<K extends string, T>(keys: readonly K[], make: (key: K) => T): Record<K, T> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, T>
}
