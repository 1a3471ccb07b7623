import type { CountedKind, CountedWay } from '@socket-port/core/supervisor'
import type { Counter, Gauge, Histogram } from 'prom-client'
import { FAILURE_KINDS } from '../supervisor/failure.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Format } from './negotiate.ts'
import { MetricRegistry } from './registry.ts'

/** What is read each time when the metrics are asked for. */
export interface MetricSource {
  supervisor: Pick<Supervisor<unknown>, 'generation' | 'pool'>
  version: string
}

const ENDED = ['drained', 'failed', 'killed', 'crashed'] as const

/** How a process has ended. */
export type Ended = (typeof ENDED)[number]

// Seconds. 30 is the default of --ready-timeout and of --drain-timeout.
const READY_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const DRAIN_BUCKETS = [0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

const KINDS: Readonly<Record<Exclude<CountedKind, 'all'>, string>> = {
  webSockets: 'websocket',
  eventStreams: 'event_stream',
  tunnels: 'tunnel',
}

// The label `kind` of connections that are of none of these kinds. One that is cut had a request in flight, or was not idle yet.
const OTHERS: Readonly<Record<CountedWay, string>> = {
  received: 'idle',
  handedOver: 'idle',
  closed: 'idle',
  cut: 'other',
}

const CONNECTIONS: Readonly<Record<CountedWay, [name: string, help: string]>> = {
  received: [
    'socket_port_connections_received_total',
    'Connections that processes received from the process before them.',
  ],
  handedOver: [
    'socket_port_connections_handed_over_total',
    'Connections that draining processes handed over to the next process.',
  ],
  closed: [
    'socket_port_connections_closed_total',
    'Idle connections, WebSockets, event streams and tunnels that ended in order in a drain.',
  ],
  cut: [
    'socket_port_connections_cut_total',
    'Connections that draining processes destroyed before they had ended.',
  ],
}

/** The metrics of `run`, in one of the two formats. */
export class Families {
  readonly ready: Histogram
  readonly drain: Histogram
  readonly reloads: Counter
  readonly reloadFailures: Counter<'reason'>
  readonly lastReload: Gauge
  readonly ended: Counter<'outcome'>
  readonly #registry: MetricRegistry

  constructor(format: Format, source: MetricSource) {
    this.#registry = new MetricRegistry(format)
    this.#addGenerations(source)
    this.#addProcesses(source)
    this.reloads = this.#registry.counted(
      'socket_port_reloads_total',
      'Reloads that succeeded or failed.',
    )
    this.reloadFailures = this.#registry.counted(
      'socket_port_reload_failures_total',
      'Reloads that failed, by the reason.',
      { reason: FAILURE_KINDS },
    )
    this.lastReload = this.#registry.measured(
      'socket_port_last_reload_successful',
      'Whether the last reload succeeded; 1 before the first one.',
    )
    this.lastReload.set(1)
    this.ended = this.#registry.counted(
      'socket_port_processes_ended_total',
      'Processes that have ended.',
      {
        outcome: ENDED,
      },
    )
    this.ready = this.#registry.histogram(
      'socket_port_ready_seconds',
      'How long processes took from their start until they were ready.',
      READY_BUCKETS,
    )
    this.drain = this.#registry.histogram(
      'socket_port_drain_seconds',
      'How long processes took from the moment when they had to end until they ended.',
      DRAIN_BUCKETS,
    )
    this.#addConnections(source)
  }

  /** The metrics as they are now, with their media type. */
  async write(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.text() }
  }

  #addGenerations({ supervisor, version }: MetricSource): void {
    const { pool } = supervisor
    this.#registry
      .measured(
        'socket_port_build_info',
        'The version of socket-port, and of the Node that runs it.',
        ['version', 'node_version'],
      )
      .set({ version, node_version: process.versions.node }, 1)
    this.#registry.measured(
      'socket_port_generation',
      'The newest generation that serves.',
      [],
      (gauge) => gauge.set(Math.max(0, ...pool.slots.map(({ plan }) => plan?.generation ?? 0))),
    )
    this.#registry.collected(
      'socket_port_generations_total',
      'Generations that were started.',
      [],
      (add) => add({}, supervisor.generation),
    )
    this.#registry.collected(
      'socket_port_restarts_total',
      'Processes that were started because the one before had crashed.',
      [],
      (add) => add({}, pool.restarts),
    )
  }

  #addProcesses({ supervisor: { pool } }: MetricSource): void {
    this.#registry
      .measured('socket_port_workers', 'Processes that serve at the same time, as --workers says.')
      .set(pool.slots.length)
    this.#registry.measured(
      'socket_port_worker_up',
      'Whether a process serves in the place of this worker.',
      ['worker'],
      (gauge) => {
        for (const { number, current } of pool.slots) {
          gauge.set({ worker: number }, current === undefined ? 0 : 1)
        }
      },
    )
    this.#registry.measured(
      'socket_port_processes',
      'Processes of all generations, by their state.',
      ['state'],
      (gauge) => {
        for (const state of ['starting', 'ready', 'draining']) gauge.set({ state }, 0)
        for (const { state } of pool.table.workers) {
          gauge.inc({ state: state === 'settling' ? 'starting' : state })
        }
      },
    )
  }

  #addConnections({ supervisor: { pool } }: MetricSource): void {
    for (const [way, [name, help]] of Object.entries(CONNECTIONS) as [
      CountedWay,
      [string, string],
    ][]) {
      this.#registry.collected(name, help, ['kind'], (add) => {
        const { all, ...kinds } = pool.table.connections[way]
        const others = Object.values(kinds).reduce((rest, count) => rest - count, all)
        // The kinds can add up to more than `all`: streams of HTTP/2 that are cut with their connection count each, and the
        // connection counts once.
        add({ kind: OTHERS[way] }, Math.max(0, others))
        for (const [kind, count] of Object.entries(kinds) as [keyof typeof kinds, number][]) {
          add({ kind: KINDS[kind] }, count)
        }
      })
    }
  }
}
