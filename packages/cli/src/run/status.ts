import type { ConnectionCounts } from '@socket-port/core/supervisor'
import type { GenerationStatus, Status, WorkerStatus } from '../control/status.ts'
import type { Worker } from '../supervisor/worker.ts'
import type { KeptPaths } from './kept-paths.ts'
import type { KeptSocket } from './sockets.ts'

export interface Facts {
  name: string
  version: string
  state: Status['state']
  command: readonly string[]
  sockets: readonly KeptSocket[]
  paths: Pick<KeptPaths, 'problemOf'>
  workers: readonly Worker[]
  restarts: number
  reloads: Status['reloads']
  connections: ConnectionCounts
  stored: readonly { name: string }[]
  /** The time, in milliseconds of the same clock as the workers' times. */
  now: number
}

/** Makes the answer to `status`. */
export function statusOf(facts: Facts): Status {
  const { name, version, state, command, sockets, paths, workers, stored, now } = facts
  const { reloads, connections, restarts } = facts
  const numbers = [...new Set(workers.map(({ place }) => place.generation))]
  return {
    name,
    pid: process.pid,
    version,
    state,
    command,
    startedAt: date(performance.timeOrigin),
    uptime: Math.round(performance.now()),
    sockets: sockets.map((socket) => {
      const { name, address, inherited } = socket
      return { name, address, inherited, problem: paths.problemOf(socket) }
    }),
    generations: numbers
      .toSorted((a, b) => b - a)
      .map(
        (number): GenerationStatus => ({
          number,
          workers: workers
            .filter(({ place }) => place.generation === number)
            .map((worker) => workerStatus(worker, now)),
        }),
      ),
    reloads,
    connections: connectionStatus(connections),
    restarts,
    stored: stored.map(({ name }) => name),
  }
}

function connectionStatus({ handedOver, received, cut }: ConnectionCounts): Status['connections'] {
  const { all, ...kinds } = handedOver
  return { handedOver: all, received: received.all, ...kinds, cut: cut.all }
}

function workerStatus(worker: Worker, now: number): WorkerStatus {
  const { place, pid, startedAt, readyAt, state, reported } = worker
  const { status = null } = reported
  const { received, handedOver } = reported.connections
  return {
    worker: place.worker,
    pid,
    state: state === 'draining' || state === 'ready' ? state : 'starting',
    startedAt: date(performance.timeOrigin + startedAt),
    uptime: Math.round(now - startedAt),
    readyAfter: readyAt === undefined ? null : Math.round(readyAt - startedAt),
    status,
    received: received.all,
    handedOver: handedOver.all,
  }
}

const date = (ms: number): string => new Date(ms).toISOString()
