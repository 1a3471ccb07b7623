import { rmSync } from 'node:fs'
import { later } from '../base/later.ts'
import type { Logger } from '../base/types.ts'
import { notifier } from '../notify/notifier.ts'
import { whenAllListen } from '../notify/readiness.ts'
import { sendNotification } from '../notify/send.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { describeCandidate, inStore, socketAddress } from './candidate.ts'
import { storeName } from './fd-name.ts'
import { countRemoved } from './fd-store-count.ts'
import { inTheWay } from './match.ts'
import type { ResolvedListen } from './options.ts'
import type { Entry } from './passed-sockets.ts'
import { drop, inheritedEntries, keep } from './socket-registry.ts'

const storeLimit = later(() => import('./fd-store-limit.ts'))

/**
 * How long in milliseconds what no server has taken is kept once all servers listen: a program may have work to do
 * between two servers, such as connecting to a database.
 */
export const UNCLAIMED_GRACE = 10_000

/** Whether the manager can keep a socket that is bound for a request with `fdStore`. Warns if it cannot. */
export function isStored({ logger }: ResolvedListen): boolean {
  // Claims the variables before the bind: they must not reach a child process.
  if (notifier(logger).hasManager) return hasLibc(logger)
  const why =
    'fdStore has no effect: NOTIFY_SOCKET is not set, so no manager keeps the socket over a restart'
  if (isUnitsProcess(process.env, process.pid)) {
    logger.warn(
      `${why}. Set FileDescriptorStoreMax= in the unit, to the number of sockets at least, and ` +
        'let ExecStart= start node itself',
    )
  } else {
    logger.debug(why)
  }
  return false
}

function hasLibc(logger: Logger): boolean {
  try {
    usableLibc()
    return true
  } catch (error) {
    logger.warn(`fdStore has no effect: ${(error as Error).message}`)
    return false
  }
}

/** Registers a listening socket that was bound for the request, so that a server can take it. */
export function keepBound(fd: number, { name, logger }: ResolvedListen): Entry {
  return keep(fd, name, (facts, present) => storeName(name, socketAddress(facts), present), logger)
}

/** Puts the socket into the manager's fd store. The next process inherits it from there. */
export function store(entry: Entry, logger: Logger): void {
  sendNotification({ FDSTORE: 1, FDNAME: entry.fdname }, [entry.fd], logger)
  const count = (): number => inheritedEntries(logger).filter(inStore).length
  storeLimit.load().then(
    ({ checkStoreLimit }) => checkStoreLimit(count, logger),
    // Only the warning is missing.
    () => {},
  )
}

/** Closes stored sockets that occupy the address of the request, but were bound with other options. */
export function clearTheWay(request: ResolvedListen): void {
  const { path, logger } = request
  for (const entry of inTheWay(request, inheritedEntries(logger))) {
    discard(entry, logger)
    // An earlier process of this service bound it, so no other program serves there.
    if (path !== undefined && !path.startsWith('@')) rmSync(path, { force: true })
  }
}

let sweep: NodeJS.Timeout | undefined

/** Closes, some time after the start, stored sockets that no server of this process has taken. */
export function sweepLater(logger: Logger): void {
  clearTimeout(sweep)
  if (inheritedEntries(logger).some(isUnclaimed)) whenAllListen(() => sweepAfterGrace(logger))
}

function sweepAfterGrace(logger: Logger): void {
  clearTimeout(sweep)
  sweep = setTimeout(() => {
    for (const entry of inheritedEntries(logger).filter(isUnclaimed)) discard(entry, logger)
  }, UNCLAIMED_GRACE).unref()
}

const isUnclaimed = (entry: Entry): boolean =>
  inStore(entry) && ['unclaimed', 'unusable'].includes(entry.state.kind)

function discard(entry: Entry, logger: Logger): void {
  sendNotification({ FDSTOREREMOVE: 1, FDNAME: entry.fdname }, [], logger)
  if (entry.origin === 'stored') countRemoved(1)
  drop(entry)
  logger.info(
    `closed ${describeCandidate(entry)}: an earlier process of the service stored it, and no server asks for it now`,
  )
}

// systemd.exec(5). INVOCATION_ID alone is not enough: a terminal that runs in a unit passes it on.
const isUnitsProcess = ({ INVOCATION_ID, SYSTEMD_EXEC_PID }: NodeJS.ProcessEnv, pid: number) =>
  INVOCATION_ID !== undefined &&
  (SYSTEMD_EXEC_PID === undefined || SYSTEMD_EXEC_PID === String(pid))
