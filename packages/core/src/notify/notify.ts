import { milliseconds, resolveLogger } from '../options.ts'
import type { NotifyMessage, NotifyOptions } from '../types.ts'
import { toFields } from './message.ts'
import { notifier } from './notifier.ts'

export interface NotifyBarrierOptions extends NotifyOptions {
  /** After this many milliseconds the answer is false. @default 5000 */
  timeout?: number | undefined
}

/**
 * Tells the manager (systemd, socket-port) how the process is doing, in one datagram (sd_notify(3)).
 *
 * True: it is sent, or the manager's socket is full and it waits for room, in order. False: nobody
 * listens (`NOTIFY_SOCKET` is not set; a worker thread and a cluster worker never speak), the
 * manager cannot be reached, which is warned of once, or the process has said that it stops and
 * this would take it back. What is wrong with the manager never throws and never blocks.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export function notify(message: NotifyMessage, options: NotifyOptions = {}): boolean {
  const fields = toFields(message)
  const voice = notifier(options.logger && resolveLogger(options.logger))
  const told = voice.post(fields)
  // The manager now waits so long for each keep-alive, and not as the environment said.
  if (told && message.watchdogTimeout !== undefined) voice.keepAlive(message.watchdogTimeout)
  return told
}

/**
 * Resolves to true once the manager has read every notification that was sent before: before the
 * process ends, or before a descriptor is closed that was given to the fd store. False: nobody
 * listens, or the manager has not read them in time.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION
 */
export async function notifyBarrier(options: NotifyBarrierOptions = {}): Promise<boolean> {
  const timeout = milliseconds('timeout', options.timeout, 5_000)
  return notifier(options.logger && resolveLogger(options.logger)).barrier(timeout)
}
