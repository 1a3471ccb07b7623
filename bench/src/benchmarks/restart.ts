import { fileURLToPath } from 'node:url'
import { openListener, type RestartResult, restartUnderLoad } from '@socket-port/testkit'
import type { Bar } from '../bar.ts'
import type { Benchmark, Findings } from '../benchmark.ts'
import { exact, median } from '../statistics.ts'

const PEERS = {
  core: '@socket-port/core',
  'plain-close': 'server.close()',
  stoppable: 'stoppable',
  'http-graceful-shutdown': 'http-graceful-shutdown',
  'http-terminator': 'http-terminator',
  terminus: '@godaddy/terminus',
} as const
const NAMES = Object.keys(PEERS) as Peer[]
const ROUND_TRIPS = [0, 20] as const
// Milliseconds that a manager waits before it ends an old process by force.
const PATIENCE = 3_000

type Peer = keyof typeof PEERS

interface Cell {
  readonly peer: Peer
  readonly rtt: number
  /** Mean of failed requests for each restart. */
  readonly failed: number
  /** Longest wait of any request, in milliseconds. */
  readonly stall: number
  /** Median time from SIGTERM to the end of the old process, in milliseconds. */
  readonly exit: number
  /** Restarts whose old process had to be ended by force. */
  readonly forced: number
  readonly result: RestartResult
}

export const restart: Benchmark = {
  name: 'restart',
  title: 'failed requests a restart, the new process started before the old one goes',
  rounds: 3,
  async run({ rounds }) {
    const cells: Cell[] = []
    for (const peer of NAMES) {
      for (const rtt of ROUND_TRIPS) cells.push(await measure(peer, rtt, rounds))
    }
    return findings(cells, rounds)
  },
}

async function measure(peer: Peer, rtt: number, restarts: number): Promise<Cell> {
  const listener = openListener()
  try {
    const result = await restartUnderLoad({
      fixture: fileURLToPath(new URL(`../peers/${peer}.js`, import.meta.url)),
      args: [String(listener.port)],
      listener,
      mode: 'overlap',
      restarts,
      stopTimeout: PATIENCE,
      load: { clients: 50, think: [0, 20], rtt },
    })
    const { rows } = result
    return {
      peer,
      rtt,
      failed: rows.reduce((sum, { failed }) => sum + failed, 0) / rows.length,
      stall: Math.max(...rows.map(({ longestStall }) => longestStall?.ms ?? 0)),
      exit: median(rows.map(({ signalToExit }) => signalToExit)),
      forced: rows.filter(({ forced }) => forced).length,
      result,
    }
  } finally {
    listener.close()
  }
}

function findings(cells: readonly Cell[], restarts: number): Findings {
  const heading = ROUND_TRIPS.flatMap((rtt) => [
    `failed, ${rtt} ms away`,
    'longest wait',
    'old one gone after',
  ])
  const rows = NAMES.map((peer) => [
    PEERS[peer],
    ...cells
      .filter((cell) => cell.peer === peer)
      .flatMap(({ failed, stall, exit, forced }) => [
        failed.toFixed(1),
        `${stall.toFixed(0)} ms`,
        forced > 0 ? 'ended by force' : `${exit.toFixed(0)} ms`,
      ]),
  ])
  const bars = cells
    .filter(({ peer }) => peer === 'core')
    .map(
      ({ rtt, failed }): Bar => ({
        what: `failed requests a restart, ${PEERS.core}, round trip ${rtt} ms`,
        found: exact(failed),
        unit: '',
        digits: 1,
        limit: { exactly: 0 },
      }),
    )
  return {
    table: [['', ...heading], ...rows],
    bars,
    notes: [
      `${restarts} restarts of each, 50 keep-alive clients that pause for 0 to 20 ms; ` +
        `an old process is ended by force after ${PATIENCE} ms, and what that cuts counts as failed`,
    ],
    samples: cells,
  }
}
