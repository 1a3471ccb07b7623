import type { Logger, NotifyMessage, NotifyOptions } from '../base/types.ts'
import {
  type Checks,
  type Complete,
  milliseconds,
  optional,
  resolveLogger,
  resolveOptions,
} from '../base/validate.ts'
import { toFields } from './message.ts'
import { notifier } from './notifier.ts'

export interface NotifyBarrierOptions extends NotifyOptions {
  /** Milliseconds to wait for the manager; then the result is false. @default 5000 */
  timeout?: number | undefined
}

// `undefined` where none is given: the notifier then keeps its logger.
const logger = optional<Logger>((_, value) => resolveLogger(value))

const NOTIFY_OPTIONS: Checks<Complete<NotifyOptions, 'logger'>> = { logger }
const BARRIER_OPTIONS: Checks<Complete<NotifyBarrierOptions, 'logger'>> = {
  timeout: milliseconds(5_000),
  logger,
}

/**
 * Tells the manager (systemd, socket-port) the state of the process, in one datagram (sd_notify(3)).
 *
 * Returns true when the datagram was sent, or queued because the manager's socket is full. Returns
 * false when no manager listens (`NOTIFY_SOCKET` is not set, or this is a worker thread or a cluster
 * worker), when the manager cannot be reached (one warning says so), or when the message would take an
 * earlier `stopping` back. A problem of the manager never throws and never blocks.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export function notify(message: NotifyMessage, options: NotifyOptions = {}): boolean {
  const fields = toFields(message)
  const sender = notifier(resolveOptions(options, NOTIFY_OPTIONS, 'notify').logger)
  const sent = sender.post(fields)
  // The manager now expects keep-alives at this interval, not at the one from the environment.
  if (sent && message.watchdogTimeout !== undefined) sender.keepAlive(message.watchdogTimeout)
  return sent
}

/**
 * Resolves to true once the manager has read every earlier notification. Wait for it before the process
 * ends, or before a descriptor that went to the fd store is closed. Resolves to false when no manager
 * listens, or when it does not answer within `timeout`.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export async function notifyBarrier(options: NotifyBarrierOptions = {}): Promise<boolean> {
  const { logger, timeout } = resolveOptions(options, BARRIER_OPTIONS, 'notifyBarrier')
  return notifier(logger).barrier(timeout)
}
