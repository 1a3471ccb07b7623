import type { Logger } from '../base/types.ts'
import { look } from '../process/environment.ts'
import { perProcess } from '../process/per-process.ts'
import { inheritedEntries } from './socket-registry.ts'

// Every copy of this package in the process shares one: the process has one fd store.
const shared = perProcess<{ removed: number }>('fd-store/1')

/** Counts descriptors that were passed to this process and that it has removed from the manager's fd store. */
export function countRemoved(count: number): void {
  shared.get(() => ({ removed: 0 })).removed += count
}

/**
 * How many descriptors the manager's fd store holds at most: systemd passes all of them at the start, among
 * the sockets of `.socket` units. NaN if LISTEN_FDS is no number.
 */
export function mostStored(logger: Logger): number {
  const kept = inheritedEntries(logger).filter(({ origin }) => origin === 'kept').length
  const { LISTEN_FDS = 0 } = look('sockets')
  return Number(LISTEN_FDS) - (shared.current?.removed ?? 0) + kept
}
