import { closeSync } from 'node:fs'
import type { DrainResult, Logger } from '../base/types.ts'
import { NEXT } from '../notify/channel-end.ts'
import { notifier } from '../notify/notifier.ts'
import { sendNotification } from '../notify/send.ts'
import { wasGiven } from '../process/asked.ts'
import { look } from '../process/environment.ts'
import { perProcess } from '../process/per-process.ts'
import { nextServes } from '../process/successor.ts'
import type { Libc } from '../sockets/libc.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import {
  COUNT_FIELDS,
  type ConnectionCounts,
  type CountedKind,
  type CountedWay,
  LONG_LIVED_KINDS,
  noConnections,
} from './connection-counts.ts'
import { receiver } from './receiver.ts'
import { type Next, type QueueEnd, watchQueue } from './signalled-queue.ts'

/** The notification of a process that receives connections through its channel. */
export const RECEIVES = 'X_SOCKET_PORT_RECEIVES'

interface Channel {
  /** The value of SOCKET_PORT_CHANNEL that was opened. */
  opened: string | undefined
  supervised: boolean
  /** What its servers have reported of their drains. */
  drained: ConnectionCounts
}

// Every copy of this package in the process shares one: the supervisor expects one count for the process.
const state = perProcess<Channel>('channel/1')

const shared = (): Channel =>
  state.get(() => ({
    opened: undefined,
    supervised: false,
    drained: noConnections(),
  }))

/**
 * Receives what the supervisor sends through its channel, if it gave one to this process, and notifies it that
 * this process does so. Does nothing for a channel that is open already.
 */
export function openChannel(logger: Logger): void {
  const channel = shared()
  const name = look('notifications').SOCKET_PORT_CHANNEL
  // Without a channel, a program that has not asked for notifications keeps its NOTIFY_SOCKET.
  if (name === undefined || name === channel.opened) return
  channel.opened = name
  const sender = notifier(logger)
  const end = sender.channel
  if (end === undefined) return
  try {
    const libc = usableLibc()
    const failed = (error: Error): void => warnOf(error, logger)
    const receiveQueue = queueReader(libc, failed, logger)
    // Do not await in between: SIGTERM follows NEXT, and libuv runs signal watchers after readers
    // (uv__io_poll), so a drain finds every message that was sent before the signal.
    const receiveAll = async (next: Next): Promise<void> => {
      for (let message = next(); message !== undefined; message = next()) {
        const [socket, wakeUp, ...others] = message.fds
        for (const fd of others) closeSync(fd)
        if (Buffer.from(message.bytes).toString() === NEXT) nextServes()
        if (socket !== undefined && wakeUp !== undefined) receiveQueue({ socket, wakeUp })
        else if (socket !== undefined) closeSync(socket)
      }
    }
    const queue = watchQueue(libc, end, receiveAll, failed)
    // The kernel signals the process that a supervisor has started when the supervisor is killed, and not one below it.
    if (wasGiven()) void queue.ended.then(() => process.kill(process.pid, 'SIGTERM'))
    sendNotification({ [RECEIVES]: 1 }, [], logger)
    channel.supervised = true
  } catch (error) {
    logger.debug(`no connection of the previous process is received: ${(error as Error).message}`)
    sender.plainChannel()
  }
}

/** Returns a function that receives the connections of a queue until this process drains. */
function queueReader(
  libc: Libc,
  failed: (error: Error) => void,
  logger: Logger,
): (end: QueueEnd) => void {
  let reported = 0
  const report = (): void => {
    const { received, receivedOf } = receiver()
    const counts: Record<string, number> = { [COUNT_FIELDS.received.all]: received }
    for (const kind of LONG_LIVED_KINDS) {
      if (receivedOf[kind] > 0) counts[COUNT_FIELDS.received[kind]] = receivedOf[kind]
    }
    if (received > reported) sendNotification(counts, [], logger)
    reported = received
  }
  const receiveSome = async (next: Next): Promise<void> => {
    await receiver().receive(next, logger)
    report()
  }
  return (end) => {
    const queue = watchQueue(libc, end, receiveSome, failed)
    // No other process has this end, so messages that came from now on would be lost with this process.
    // Close it, so that the sender notices, and receive what waits, so that the drain hands it over.
    const cancel = receiver().onStop(() => {
      try {
        queue.end((next) => receiver().receiveAll(next, logger))
      } catch (error) {
        failed(error as Error)
      }
      report()
    })
    void queue.ended.then(cancel)
  }
}

function warnOf(error: Error, logger: Logger): void {
  logger.warn(
    `what the previous process sends cannot be received (${error.message}), and its connections may be lost`,
  )
}

/** Whether the channel of the supervisor is open, and this process has notified it that it receives connections. */
export const receivesFromSupervisor = (): boolean => shared().supervised

/** Reports to the supervisor, if there is one, what became of the connections of a server in its drain. */
export function reportDrained(result: DrainResult, logger: Logger): void {
  const { drained, supervised } = shared()
  const changed: Record<string, number> = {}
  const add = (way: CountedWay, kind: CountedKind, count: number): void => {
    if (count === 0) return
    drained[way][kind] += count
    changed[COUNT_FIELDS[way][kind]] = drained[way][kind]
  }
  add('handedOver', 'all', result.handedOver)
  add('closed', 'all', result.expired)
  // Those of each kind are among them.
  add('cut', 'all', result.forced)
  for (const kind of LONG_LIVED_KINDS) {
    const { handedOver, closed, cut } = result[kind]
    add('handedOver', 'all', handedOver)
    add('handedOver', kind, handedOver)
    add('closed', 'all', closed)
    add('closed', kind, closed)
    add('cut', kind, cut)
  }
  if (supervised && Object.keys(changed).length > 0) sendNotification(changed, [], logger)
}
