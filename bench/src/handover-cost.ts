import { startSupervised } from '@socket-port/testkit'
import { alternate } from './alternate.ts'
import { type Child, startChild } from './child.ts'
import {
  checkAll,
  type HandedOver,
  type Restarts,
  SERVER,
  startRestarts,
} from './handover-restarts.ts'
import type { Environment } from './older-build.ts'
import type { ConnectionsAnswer, ConnectionsQuestion } from './processes/connections.ts'
import type { DescriptorsAnswer, DescriptorsQuestion } from './processes/descriptors.ts'
import type { DrainedLine, GoneLine, ReceivedLine } from './processes/handover-report.ts'

export const COUNTS = [100, 1_000, 10_000] as const

/** What is attached to a WebSocket, or to a connection of Socket.IO, in bytes. */
export const ATTACHED = 1024

/** `before` and `now again` are measured only with an older build (`--before`). `now again` shows the noise. */
export type Build = 'now' | 'before' | 'now again'

/** One `socket-port reload`, where the next process runs already; times in milliseconds. */
export interface Reloaded {
  /** From SIGTERM to the last JavaScript of the old process, by its own clock. */
  readonly exit: number
  readonly queue: number
  readonly sending: number
  /** From the first connection that is sent until the next process has the last. */
  readonly receiving: number
}

export interface Cost {
  readonly count: number
  /** Through a manager that keeps the connections between two processes. */
  readonly restarts: Readonly<Record<Build, readonly HandedOver[]>>
  /** The same with WebSockets of `ws` that the next process continues, and {@link ATTACHED} bytes for each. */
  readonly webSockets: readonly HandedOver[]
  /** The same with connections of Socket.IO, and {@link ATTACHED} bytes of `data` for each. */
  readonly socketIo: readonly HandedOver[]
  /** Through `socket-port run`. */
  readonly reloads: readonly Reloaded[]
  /** The same number of descriptors, passed without socket-port. */
  readonly without: readonly DescriptorsAnswer[]
}

type Client = Child<ConnectionsQuestion, ConnectionsAnswer>

/** Hands this many connections over, again and again, and passes the same number of descriptors without a server. */
export async function measureCost(
  count: number,
  rounds: number,
  older: Environment | undefined,
): Promise<Cost> {
  const restarts = await restartAll(count, rounds, older)
  const webSockets = await restartLongLived(count, rounds, 'webSockets')
  const socketIo = await restartLongLived(count, rounds, 'socketIo')
  const [client] = await startChild<ConnectionsQuestion, ConnectionsAnswer>('connections')
  try {
    const reloads = await reloadAll(client, count, rounds)
    await client.ask({ name: 'close' })
    const without: DescriptorsAnswer[] = []
    while (without.length < rounds) without.push(await passDescriptors(client, count))
    return { count, restarts, webSockets, socketIo, reloads, without }
  } finally {
    await client.end()
  }
}

/** The servers of all builds are up at the same time, and restarted in turn. */
async function restartAll(
  count: number,
  rounds: number,
  older: Environment | undefined,
): Promise<Cost['restarts']> {
  const builds: readonly Build[] = older === undefined ? ['now'] : ['now', 'before', 'now again']
  const servers = new Map<Build, Restarts>()
  try {
    for (const build of builds) {
      servers.set(build, await startRestarts(count, (build === 'before' && older) || {}))
    }
    const none = { before: [], 'now again': [] }
    const measure = (build: Build): Promise<HandedOver> =>
      (servers.get(build) as Restarts).restart()
    return { ...none, ...(await alternate(builds, rounds, measure)) }
  } finally {
    for (const server of servers.values()) await server.end()
  }
}

async function restartLongLived(
  count: number,
  rounds: number,
  kind: 'webSockets' | 'socketIo',
): Promise<HandedOver[]> {
  const variable = kind === 'webSockets' ? 'WEB_SOCKETS' : 'SOCKET_IO'
  const server = await startRestarts(count, { [variable]: String(ATTACHED) }, kind)
  const restarts: HandedOver[] = []
  try {
    while (restarts.length < rounds) restarts.push(await server.restart())
  } finally {
    await server.end()
  }
  return restarts
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
      const { received, at } = await line<ReceivedLine>(
        `"pid":${await serving()},"received":${count},`,
      )
      const { open } = await client.ask({ name: 'ask' })
      checkAll(count, left.handedOver, received, open)
      const { heard, queue, sending } = left
      const receiving = at - heard - queue.wall
      reloads.push({ exit: gone - heard, queue: queue.wall, sending: sending.wall, receiving })
    }
    return reloads
  } finally {
    await supervised.dispose()
  }
}

/** Passes descriptors in a new process each time: as after a restart, V8 has compiled nothing there yet. */
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
