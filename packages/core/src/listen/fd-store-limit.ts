import { readFileSync } from 'node:fs'
import { counted } from '../base/counted.ts'
import type { Logger } from '../base/types.ts'
import { look } from '../process/environment.ts'
import { parseServiceName } from '../systemd/cgroup.ts'
import { systemctl } from '../systemd/systemctl.ts'

const PATIENCE = 5_000

// FileDescriptorStoreMax= of the unit, once it is known.
let limit: number | undefined
let asked = false
let warned = false

/**
 * Warns once if the unit lets its manager keep fewer sockets than are stored: the manager drops the rest
 * without a message. If the environment does not tell the limit, the manager is asked in the background.
 */
export function checkStoreLimit(count: () => number, logger: Logger): void {
  // Since systemd 254, where the limit is not 0 (systemd.exec(5)).
  const { FDSTORE } = look('notifications')
  if (FDSTORE !== undefined && /^\d+$/.test(FDSTORE)) limit = Number(FDSTORE)
  if (limit !== undefined) warnIfLess(count(), limit, logger)
  if (limit !== undefined || asked) return
  asked = true
  askManager().then(
    (answer) => {
      limit = answer
      warnIfLess(count(), answer, logger)
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

/** FileDescriptorStoreMax= of the unit whose main process this is. Rejects if that is not known. */
async function askManager(): Promise<number> {
  const service = parseServiceName(readFileSync('/proc/self/cgroup', 'utf8'))
  if (service === undefined) throw new Error('this process belongs to no service')
  const { unit, user } = service
  const signal = AbortSignal.timeout(PATIENCE)
  const show = ['show', '--property=MainPID,FileDescriptorStoreMax', '--', unit]
  const output = await systemctl(show, { signal, user, unref: true })
  const value = (name: string): number =>
    Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(output)?.[1])
  // Otherwise this process notifies another manager in between, such as `socket-port run`.
  if (value('MainPID') !== process.pid) throw new Error('this is not its main process')
  return value('FileDescriptorStoreMax')
}
