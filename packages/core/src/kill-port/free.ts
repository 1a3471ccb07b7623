import { SocketPortError } from '../base/errors.ts'
import { describeHolders, type Holder } from '../proc/holders.ts'
import { type BindPlace, overlap } from '../proc/overlap.ts'
import type { Listener, System } from '../proc/system.ts'
import { isAlive, type Job, POLL, pause, signalHolders } from './signal.ts'

export interface FreeJob extends Job {
  /** Where the port is to be bound. */
  place: BindPlace
  /** Whether it can be bound now. */
  probe: () => Promise<'free' | 'busy' | 'unknown'>
}

// Two attempts for a process that ignores SIGTERM, and two for one that it has forked meanwhile.
const MOST_ATTEMPTS = 4

/** Ends the processes that keep the port from being bound, by the rules, and returns them once it is free. */
export async function freePort(job: FreeJob): Promise<Holder[]> {
  const killed: Holder[] = []
  // First free the sockets that certainly conflict. Free the possible ones only if the bind still fails then.
  for (const kind of ['certain', 'possible'] as const) {
    const state = await job.probe()
    if (state === 'free' || (state === 'unknown' && kind === 'possible')) break
    const system = only(job.system, (listener) => overlap(job.place, listener) === kind)
    killed.push(...(await freeSockets({ ...job, system })))
  }
  return killed
}

/** The system as if only these sockets listened on the port. */
function only(system: System, isMeant: (listener: Listener) => boolean): System {
  return {
    ...system,
    listeners: async (port) => (await system.listeners(port)).filter(isMeant),
    look: async (port) => {
      const use = await system.look(port)
      const listeners = use.listeners.filter(isMeant)
      const has = ({ sockets }: Holder): boolean =>
        listeners.some(({ socket }) => sockets.includes(socket))
      return { listeners, holders: use.holders.filter(has) }
    },
  }
}

async function freeSockets(job: Job): Promise<Holder[]> {
  const sockets = new Set((await job.system.listeners(job.port)).map(({ socket }) => socket))
  const killed: Holder[] = []
  for (let attempt = 0; sockets.size > 0; attempt++) {
    if (attempt === MOST_ATTEMPTS) {
      throw await failure(
        job,
        'is taken by new processes faster than they can be ended',
        'Stop what starts them.',
      )
    }
    const sent = await signalHolders(job, sockets, killed)
    const patience = { SIGTERM: job.timeout, SIGKILL: job.grace, nothing: 0 }[sent ?? 'nothing']
    const outcome = await settle(job, sockets, killed, patience)
    if (outcome === 'free') break
    if (outcome === 'held' && sent === 'SIGKILL') {
      const fix = 'It may hang in the kernel: see its state with ps (D).'
      throw await failure(job, `is still taken ${job.grace} ms after SIGKILL`, fix)
    }
  }
  return killed
}

/**
 * Returns `'free'` once no socket listens, `'passed on'` when the signalled processes are gone but another
 * process holds their socket, `'held'` after `patience`. Throws if another process has opened the port.
 */
async function settle(
  job: Job,
  sockets: ReadonlySet<string>,
  killed: readonly Holder[],
  patience: number,
): Promise<'free' | 'passed on' | 'held'> {
  const end = performance.now() + patience
  for (;;) {
    const alive = await Promise.all(killed.map((holder) => isAlive(job, holder)))
    const listeners = await job.system.listeners(job.port)
    if (listeners.length === 0) return 'free'
    if (!listeners.some(({ socket }) => sockets.has(socket))) {
      const fix = 'Stop what starts it (a watcher, a service manager), then try again.'
      throw await failure(job, 'was freed, and taken again at once', fix)
    }
    if (!alive.includes(true)) return 'passed on'
    const rest = end - performance.now()
    if (rest <= 0) return 'held'
    await pause(job, Math.min(POLL, rest))
  }
}

async function failure({ port, system }: Job, what: string, fix: string): Promise<Error> {
  const { holders } = await system.look(port)
  const held = describeHolders(holders) || 'held by a process that cannot be seen'
  const message = `Port ${port} ${what}: ${held}. ${fix}`
  return new SocketPortError('ERR_SOCKET_PORT_KILL_FAILED', message, { port })
}
