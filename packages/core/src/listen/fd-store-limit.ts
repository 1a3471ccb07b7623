import { readFileSync } from 'node:fs'
import { counted } from '../base/counted.ts'
import { quote } from '../base/quote.ts'
import type { Logger } from '../base/types.ts'
import { look } from '../process/environment.ts'
import { parseServiceName } from '../systemd/cgroup.ts'
import { DRAIN_PATIENCE, systemctl } from '../systemd/systemctl.ts'

// How long in milliseconds a warning waits for an answer of systemd. Nothing waits for the warning.
const WARNING_PATIENCE = 5_000

// From this version on systemd sets $FDSTORE where a unit has a store, and no longer closes a descriptor
// that it refuses before it reads the next message: it leaves that to a child process
// (asynchronous_close() in src/shared/async.c).
const CLOSES_LATE = 254

// FileDescriptorStoreMax= of the unit, once it is known.
let limit: number | undefined
let asked = false
let warned = false

/**
 * Warns once if the unit lets its manager keep fewer sockets than are stored: the manager drops the rest
 * without a message. If the environment does not tell the limit, the manager is asked in the background.
 */
export function checkStoreLimit(count: () => number, logger: Logger): void {
  limit = limitInEnvironment() ?? limit
  if (limit !== undefined) warnIfLess(count(), limit, logger)
  if (limit !== undefined || asked) return
  asked = true
  askManager(ownCgroup(), WARNING_PATIENCE, true).then(
    ({ most }) => {
      limit = most
      warnIfLess(count(), most, logger)
    },
    () => {},
  )
}

function warnIfLess(count: number, limit: number, logger: Logger): void {
  if (warned || count <= limit) return
  warned = true
  logger.warn(
    `fdStore: the manager keeps ${counted(limit, 'descriptor')} of this unit, and ${count} are stored: the others are ` +
      `closed at a restart. Set FileDescriptorStoreMax=${count} or more in the unit`,
  )
}

/** The store of a unit: how many descriptors it may hold, and how many it holds. */
interface StoreRoom {
  most: number
  stored: number
}

/**
 * Returns why the manager might not store one more descriptor of this process, and `undefined` where it will.
 * `stored` is the largest number of descriptors that the store can hold now. The manager reports no refusal,
 * and from systemd 254 on a refused descriptor is still open, for some milliseconds, after a barrier: a
 * message that is sent to it then seems to arrive, and is lost.
 */
export async function storeProblem(
  stored: number,
  cgroup: string = ownCgroup(),
): Promise<string | undefined> {
  const { INVOCATION_ID, SYSTEMD_EXEC_PID } = process.env
  const most = limitInEnvironment()
  if (most === undefined) {
    // Another manager than systemd, or one that closes what it refuses before it answers the barrier.
    if (INVOCATION_ID === undefined) return undefined
    const version = await systemdVersion().catch(({ message }: Error) => message)
    if (typeof version === 'number' && version < CLOSES_LATE) return undefined
    const seen = typeof version === 'number' ? '' : `, and its version is not known (${version})`
    return (
      `systemd has set no $FDSTORE${seen}: the unit has no fd store. ` +
      `Set FileDescriptorStoreMax=${stored + 1} or more in it`
    )
  }
  // systemd ignores what other processes of the unit store (NotifyAccess=main).
  const isMain = SYSTEMD_EXEC_PID === String(process.pid)
  if (isMain && stored < most) return undefined
  // The sockets of a .socket unit are passed like stored ones. Only systemd knows which of them it stores.
  const room = await askManager(cgroup, DRAIN_PATIENCE).catch(({ message }: Error) => message)
  if (typeof room !== 'string' && room.stored < room.most) return undefined
  const seen = typeof room === 'string' ? `${stored} may be stored; ${room}` : `${room.stored} are`
  return (
    `the fd store of the unit has no room for certain: it takes ${most} (${seen}). Set ` +
    `FileDescriptorStoreMax=${Math.max(stored, most) + 1} or more in it`
  )
}

// Set by systemd 254 and later, where the limit is not 0 (systemd.exec(5)).
function limitInEnvironment(): number | undefined {
  const { FDSTORE } = look('notifications')
  return FDSTORE !== undefined && /^\d+$/.test(FDSTORE) ? Number(FDSTORE) : undefined
}

/** The version of the installed systemd, without asking the one that runs; rejects where it cannot be known. */
async function systemdVersion(): Promise<number> {
  const signal = AbortSignal.timeout(DRAIN_PATIENCE)
  const printed = await systemctl(['--version'], { signal, user: false })
  const version = /^systemd (\d+)/.exec(printed)?.[1]
  if (version === undefined) throw new Error(`systemctl --version has printed ${quote(printed)}`)
  return Number(version)
}

/** The store of the unit whose main process this is; rejects where that cannot be known. */
async function askManager(cgroup: string, patience: number, unref = false): Promise<StoreRoom> {
  const service = parseServiceName(cgroup)
  if (service === undefined) throw new Error('this process belongs to no service')
  const { unit, user } = service
  const signal = AbortSignal.timeout(patience)
  const properties = 'MainPID,FileDescriptorStoreMax,NFileDescriptorStore'
  const show = ['show', `--property=${properties}`, '--', unit]
  const printed = await systemctl(show, { signal, user, unref })
  const value = (name: string): number =>
    Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(printed)?.[1])
  // Otherwise this process notifies another manager in between, such as `socket-port run`.
  if (value('MainPID') !== process.pid) throw new Error('this is not its main process')
  return { most: value('FileDescriptorStoreMax'), stored: value('NFileDescriptorStore') }
}

function ownCgroup(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8')
  } catch {
    return ''
  }
}
