import { setTimeout } from 'node:timers/promises'
import { now } from './clock.ts'
import { type Exit, type Generation, startGeneration } from './generation.ts'
import { type Load, startLoad } from './load/load.ts'
import type { LoadOptions, Target } from './load/options.ts'
import type { LoadCounts } from './load/result.ts'
import { addCounts } from './load/tally.ts'
import type { RestartOptions, RestartResult, RestartRow } from './restart-options.ts'

export type { RestartOptions, RestartResult, RestartRow } from './restart-options.ts'

/** Restarts a server several times under a strict load, and returns the counts of each restart. */
export async function restartUnderLoad(options: RestartOptions): Promise<RestartResult> {
  const generations: Generation[] = []
  const start = async (): Promise<Generation> => {
    const generation = spawnGeneration(options, generations.length)
    generations.push(generation)
    await generation.ready()
    return generation
  }
  let load: Load | undefined
  try {
    let current = await start()
    load = await startLoad(loadOptions(options))
    await load.oneRequestEach()
    await load.countsSinceLast()
    const rows: RestartRow[] = []
    for (let restart = 1; restart <= options.restarts; restart += 1) {
      await load.openIdle()
      const [next, left] = await replace(options, current, start, load)
      await load.moreRequests(options.betweenRequests ?? 500)
      await load.oneRequestEach()
      const row = toRow(restart, next, left, await load.countsSinceLast())
      rows.push(row)
      options.onRestart?.(row)
      current = next
    }
    const total = await load.stop()
    const { exit } = await leave(options, current)
    return { rows, total, lastExit: exit, stderr: generations.map((one) => one.stderr).join('') }
  } finally {
    await Promise.all([load?.dispose(), ...generations.map((one) => one.dispose())])
  }
}

/** How an old process ended. */
interface Leaving {
  readonly exit: Exit
  readonly signalToExit: number
  /** The requests that had ended when it was killed; `undefined` when it ended by itself. */
  readonly beforeForce: LoadCounts | undefined
}

async function replace(
  options: RestartOptions,
  old: Generation,
  start: () => Promise<Generation>,
  load: Load,
): Promise<[Generation, Leaving]> {
  if (options.mode === 'overlap') {
    const next = await start()
    return [next, await leave(options, old, load)]
  }
  const left = await leave(options, old, load)
  return [await start(), left]
}

/** Signals a process and waits for its end. Kills it after `stopTimeout`, as a manager does. */
async function leave(options: RestartOptions, old: Generation, load?: Load): Promise<Leaving> {
  const signalledAt = now()
  old.signal(options.signal ?? 'SIGTERM')
  const patience = new AbortController()
  let beforeForce: LoadCounts | undefined
  const forced = setTimeout(options.stopTimeout ?? 30_000, undefined, patience).then(async () => {
    beforeForce = await load?.countsSinceLast()
    await old.dispose()
  })
  const exit = await old.exit
  patience.abort()
  await forced.catch((error: Error) => {
    if (error.name !== 'AbortError') throw error
  })
  return { exit, signalToExit: exit.at - signalledAt, beforeForce }
}

function toRow(restart: number, next: Generation, left: Leaving, after: LoadCounts): RestartRow {
  const { exit, signalToExit, beforeForce } = left
  const counts = beforeForce === undefined ? after : addCounts(beforeForce, after)
  return {
    restart,
    spawnToReady: (next.readyAt ?? Number.NaN) - next.spawnedAt,
    signalToExit,
    exit,
    forced: beforeForce !== undefined,
    failedBefore: beforeForce?.failed ?? counts.failed,
    ...counts,
  }
}

function spawnGeneration(options: RestartOptions, index: number): Generation {
  const { fixture, listener } = options
  const own = typeof listener === 'function' ? listener(index) : undefined
  const fd = own?.fd ?? (typeof listener === 'object' ? listener.fd : undefined)
  try {
    return startGeneration({
      ...(typeof fixture === 'string' ? { script: fixture } : { command: fixture }),
      args: options.args ?? [],
      env: options.env ?? {},
      execPath: options.execPath ?? process.execPath,
      ...(options.inherit === undefined ? {} : { inherit: options.inherit }),
      sockets: fd === undefined ? [] : [{ fd }],
    })
  } finally {
    own?.close()
  }
}

function loadOptions(options: RestartOptions): LoadOptions {
  const idle = options.idleClients === undefined ? {} : { idle: { clients: options.idleClients } }
  return { target: options.target ?? targetOf(options.listener), ...idle, ...options.load }
}

function targetOf(listener: RestartOptions['listener']): Target {
  if (typeof listener !== 'object') throw new Error('restartUnderLoad: give a `target`')
  return listener.path === undefined ? { port: listener.port } : { path: listener.path }
}
