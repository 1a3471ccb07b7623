import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Generation,
  now,
  openListener,
  type PassedSocket,
  startGeneration,
  startSupervised,
} from '@socket-port/testkit'
import { type Child, startChild } from './child.ts'
import type { ConnectionsAnswer, ConnectionsQuestion } from './processes/connections.ts'
import type { DescriptorsAnswer, DescriptorsQuestion } from './processes/descriptors.ts'
import type { AdoptedLine, DrainedLine, GoneLine } from './processes/handover-report.ts'
import type { Took } from './processes/stopwatch.ts'
import { openStore } from './store.ts'

export const COUNTS = [100, 1_000, 10_000] as const

/** One restart. */
export interface HandedOver {
  /** From SIGTERM to the end of the old process, as its manager sees both, in milliseconds. */
  readonly exit: number
  readonly line: Took
  readonly sending: Took
  readonly taking: Took
}

/** One `socket-port reload`, where the next process runs already; times in milliseconds. */
export interface Reloaded {
  /** From SIGTERM to the last line of the old process's program, as that process sees both. */
  readonly exit: number
  readonly line: number
  readonly sending: number
  /** From the first connection that is sent until the next process has the last. */
  readonly taking: number
}

export interface Cost {
  readonly count: number
  /** Through a manager that keeps them between two processes. */
  readonly restarts: readonly HandedOver[]
  /** Through `socket-port run`. */
  readonly reloads: readonly Reloaded[]
  /** As many descriptors passed without us. */
  readonly without: readonly DescriptorsAnswer[]
}

type Client = Child<ConnectionsQuestion, ConnectionsAnswer>

const SERVER = fileURLToPath(new URL('./processes/handover-server.js', import.meta.url))

/** Hands so many connections over, again and again, and passes as many descriptors without a server. */
export async function measureCost(count: number, rounds: number): Promise<Cost> {
  const [client] = await startChild<ConnectionsQuestion, ConnectionsAnswer>('connections')
  try {
    const restarts = await restartAll(client, count, rounds)
    await client.ask({ name: 'close' })
    const reloads = await reloadAll(client, count, rounds)
    await client.ask({ name: 'close' })
    const without: DescriptorsAnswer[] = []
    while (without.length < rounds) without.push(await passDescriptors(client, count))
    return { count, restarts, reloads, without }
  } finally {
    await client.end()
  }
}

async function restartAll(client: Client, count: number, rounds: number): Promise<HandedOver[]> {
  const listener = openListener()
  const store = openStore()
  const start = (...sockets: PassedSocket[]): Generation =>
    startGeneration({
      script: SERVER,
      args: [String(listener.port)],
      sockets: [{ fd: listener.fd, name: 'app' }, ...sockets],
      env: { NOTIFY_SOCKET: store.address },
    })
  const restarts: HandedOver[] = []
  let current = start()
  try {
    await current.ready()
    await client.ask({ name: 'open', port: listener.port, count })
    for (let round = 0; round < rounds; round += 1) {
      const left = await leave(current)
      const line = store.take()
      current = start(line)
      closeSync(line.fd)
      const { received, took } = await tells<AdoptedLine>(current, /^\{"pid":\d+,"received".*\}/m)
      const { open } = await client.ask({ name: 'ask' })
      checkAll(count, left.handedOver, received, open)
      restarts.push({ exit: left.exit, line: left.line, sending: left.sending, taking: took })
    }
    return restarts
  } finally {
    await current.dispose()
    await store.close()
    listener.close()
  }
}

function checkAll(count: number, handedOver: number, received: number, open: number): void {
  if (handedOver === count && received === count && open === count) return
  throw new Error(
    `${handedOver} of ${count} were handed over, ${received} received, ${open} are open`,
  )
}

async function leave(old: Generation): Promise<DrainedLine & { readonly exit: number }> {
  const signalled = now()
  old.signal('SIGTERM')
  const { code, at } = await old.exit
  if (code !== 0 || old.stderr !== '') throw new Error(`ended with ${code}: ${old.stderr}`)
  return {
    ...(await tells<DrainedLine>(old, /^\{"pid":\d+,"handedOver".*\}/m)),
    exit: at - signalled,
  }
}

async function tells<T>(generation: Generation, line: RegExp): Promise<T> {
  const [text] = await generation.printed(line)
  return JSON.parse(text) as T
}

async function reloadAll(client: Client, count: number, rounds: number): Promise<Reloaded[]> {
  const args = ['--listen', '127.0.0.1:0', '--settle', '0']
  const supervised = startSupervised({ args, command: [process.execPath, SERVER] })
  const line = async <T>(start: string): Promise<T> => {
    const [text] = await supervised.printed(new RegExp(`\\{${start}.*\\}`))
    return JSON.parse(text) as T
  }
  const serving = async (): Promise<number> => {
    const { generations } = await supervised.status()
    return generations[0]?.workers[0]?.pid ?? -1
  }
  const reloads: Reloaded[] = []
  try {
    const port = await supervised.port()
    await supervised.printed(/"ready":true/)
    await client.ask({ name: 'open', port, count })
    for (let pid = await serving(); reloads.length < rounds; pid = await serving()) {
      const { code, stderr } = await supervised.ask('reload')
      if (code !== 0) throw new Error(stderr)
      const left = await line<DrainedLine>(`"pid":${pid},"handedOver"`)
      const { gone } = await line<GoneLine>(`"pid":${pid},"gone"`)
      const { received, at } = await line<AdoptedLine>(
        `"pid":${await serving()},"received":${count},`,
      )
      const { open } = await client.ask({ name: 'ask' })
      checkAll(count, left.handedOver, received, open)
      const taking = at - left.heard - left.line.wall
      const { line: opening, sending } = left
      reloads.push({ exit: gone - left.heard, line: opening.wall, sending: sending.wall, taking })
    }
    return reloads
  } finally {
    await supervised.dispose()
  }
}

/** In a new process each time, as after a restart: nothing has been compiled there yet. */
async function passDescriptors(client: Client, count: number): Promise<DescriptorsAnswer> {
  const [child, { port }] = await startChild<DescriptorsQuestion, DescriptorsAnswer>('descriptors')
  try {
    await client.ask({ name: 'open', port, count })
    const { descriptors } = await child.ask('take')
    if (descriptors !== count) throw new Error(`only ${descriptors} of ${count} could be passed`)
    return await child.ask('pass')
  } finally {
    await client.ask({ name: 'close' })
    await child.end()
  }
}
