import type { Logger } from '../base/types.ts'
import { type NotifyFields, notifier } from './notifier.ts'

/**
 * Sends one datagram to the manager, its assignments in the order of `fields`, with descriptors:
 * `sendNotification({ FDSTORE: 1, FDNAME: 'web' }, [fd])`.
 *
 * Returns true when it was sent, or queued with duplicates of the descriptors. Returns false when there
 * is no manager, or when it cannot be reached (one warning says so). The caller still owns the
 * descriptors. Never throws, never waits.
 */
export function sendNotification(
  fields: NotifyFields,
  fds: readonly number[] = [],
  logger?: Logger,
): boolean {
  return notifier(logger).post(fields, { fds })
}
