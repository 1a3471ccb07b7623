import type { Logger } from '../types.ts'
import { type NotifyFields, notifier } from './notifier.ts'

/**
 * Tells the manager something in one datagram, its lines in the order of `fields`, descriptors along
 * with it: `sendNotification({ FDSTORE: 1, FDNAME: 'web' }, [fd])`.
 *
 * True: it is sent, or waits for room in the manager's socket, in order, with duplicates of the
 * descriptors. False: there is no manager, or it cannot be reached, and a warning has said so once.
 * The descriptors stay the caller's. Never throws, never waits.
 */
export function sendNotification(
  fields: NotifyFields,
  fds: readonly number[] = [],
  logger?: Logger,
): boolean {
  return notifier(logger).post(fields, { fds })
}

/** A manager listens for this process (NOTIFY_SOCKET was set, and names a socket). */
export const managerListens = (logger?: Logger): boolean => notifier(logger).heard
