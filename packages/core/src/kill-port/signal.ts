import { setTimeout as delay } from 'node:timers/promises'
import { SocketPortError } from '../base/errors.ts'
import type { Logger } from '../base/types.ts'
import { describeHolder, describeHolders, type Holder } from '../proc/holders.ts'
import type { PortUse, System } from '../proc/system.ts'
import { hiddenListener, refusal } from './rules.ts'

export interface Job {
  port: number
  /** Milliseconds from SIGTERM to SIGKILL, and from SIGKILL to giving up. */
  timeout: number
  grace: number
  /** Called before the first signal, with the processes that would get one. */
  confirm?: ((holders: readonly Holder[]) => boolean | Promise<boolean>) | undefined
  signal: AbortSignal | undefined
  logger: Logger
  system: System
}

export type SignalName = 'SIGTERM' | 'SIGKILL'

/** Milliseconds between two looks at the system. */
export const POLL: number = 20

// A process that exits lets go of its fds a moment before its sockets close.
const MOST_LOOKS = 5

/**
 * Signals every holder of the sockets: SIGKILL to the processes in `killed`, SIGTERM to all others, which
 * it adds to `killed`. Returns SIGTERM if it sent any, otherwise SIGKILL; undefined if it sent none.
 * Throws ERR_SOCKET_PORT_KILL_REFUSED, before the first signal, if the rules protect one of the holders.
 */
export async function signalHolders(
  job: Job,
  sockets: ReadonlySet<string>,
  killed: Holder[],
): Promise<SignalName | undefined> {
  const { port, logger } = job
  const use = await look(job, sockets)
  await enforceRules(job, use, killed)
  // Ask once: the answer covers the processes that a holder forks later.
  if (killed.length === 0) await agree(job, use.holders)
  const sent = new Set<SignalName>()
  for (const holder of use.holders) {
    const had = killed.some(({ pid, startTime }) => isSame(holder, pid, startTime))
    const name = had ? 'SIGKILL' : 'SIGTERM'
    if (!(await signalOne(job, holder, name))) continue
    sent.add(name)
    if (!had) killed.push(holder)
    logger[had ? 'warn' : 'info'](`Port ${port}: ${name} sent to ${describeHolder(holder)}.`)
  }
  return sent.has('SIGTERM') ? 'SIGTERM' : [...sent][0]
}

/** Returns whether this very process, not another one with its pid, still exists. */
export async function isAlive({ system }: Job, holder: Holder): Promise<boolean> {
  return isSame(holder, holder.pid, await system.startTime(holder.pid))
}

/** Waits; throws the reason of the job's signal if that is aborted. */
export async function pause({ signal }: Job, ms: number): Promise<void> {
  // There is no event for the close of another process's socket. The timer is not unref'd: the caller may
  // have nothing else that keeps the process alive.
  await delay(ms, undefined, { signal }).catch(() => {})
  signal?.throwIfAborted()
}

/** Returns who uses the sockets. Looks again while one of them seems to have no holder. */
async function look(job: Job, sockets: ReadonlySet<string>): Promise<PortUse> {
  for (let looks = 1; ; looks++) {
    const found = await job.system.look(job.port)
    const use = {
      listeners: found.listeners.filter(({ socket }) => sockets.has(socket)),
      holders: found.holders.filter((holder) => holder.sockets.some((id) => sockets.has(id))),
    }
    if (looks === MOST_LOOKS || hiddenListener(use) === undefined) return use
    await pause(job, POLL)
  }
}

async function enforceRules(job: Job, use: PortUse, killed: readonly Holder[]): Promise<void> {
  const { port, system } = job
  const reason = refusal(use, {
    pid: process.pid,
    uid: process.getuid?.() ?? -1,
    ancestors: await system.ancestors(),
    elsewhere: use.holders.map(({ pid }) => pid).filter((pid) => system.isElsewhere(pid)),
    activator: system.activator,
  })
  if (reason === undefined) return
  const held = describeHolders(use.holders) || 'held by a process that cannot be seen'
  const before = killed.map(describeHolder).join(', ')
  const who = before === '' ? 'No process was signalled' : `Only ${before} was signalled`
  throw new SocketPortError(
    'ERR_SOCKET_PORT_KILL_REFUSED',
    `Port ${port} is ${held}. ${who}: ${reason}`,
    { port },
  )
}

async function agree({ port, confirm }: Job, holders: readonly Holder[]): Promise<void> {
  if (holders.length === 0 || confirm === undefined || (await confirm(holders))) return
  throw new SocketPortError(
    'ERR_SOCKET_PORT_KILL_REFUSED',
    `Port ${port} is still ${describeHolders(holders)}. No process was signalled: it was not confirmed.`,
    { port },
  )
}

/** Returns whether the signal was sent: false if the process is gone. */
async function signalOne(job: Job, holder: Holder, name: SignalName): Promise<boolean> {
  // Node has no pidfd_send_signal(2), so the pid could still change hands after this check.
  if (!(await isAlive(job, holder))) return false
  try {
    job.system.signal(holder.pid, name)
    return true
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return false
    throw new SocketPortError(
      'ERR_SOCKET_PORT_KILL_FAILED',
      `Port ${job.port}: ${name} to ${describeHolder(holder)} failed (${cause}). Stop it by hand.`,
      { port: job.port, syscall: 'kill', cause },
    )
  }
}

function isSame(holder: Holder, pid: number, startTime: string | undefined): boolean {
  return holder.pid === pid && holder.startTime === startTime
}
