import { closeSync } from 'node:fs'
import type { DrainResult, Logger } from '../base/types.ts'
import { LAST } from '../notify/channel-end.ts'
import { notifier } from '../notify/notifier.ts'
import { sendNotification } from '../notify/send.ts'
import { look } from '../process/environment.ts'
import { perProcess } from '../process/per-process.ts'
import { nobodyFollows } from '../process/successor.ts'
import type { Libc } from '../sockets/libc.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { receiver } from './receiver.ts'
import { type Next, type QueueEnd, watchQueue } from './signalled-queue.ts'

/** The notification of a process that receives connections through its channel. */
export const RECEIVES = 'X_SOCKET_PORT_RECEIVES'

/** The notifications that count the connections that a process has received, and handed over. */
export const RECEIVED = 'X_SOCKET_PORT_RECEIVED'
export const HANDED_OVER = 'X_SOCKET_PORT_HANDED_OVER'

/** How many connections a process has cut in its drain. */
export const CUT = 'X_SOCKET_PORT_CUT'

interface Channel {
  opened: boolean
  supervised: boolean
  handedOver: number
  cut: number
}

// Every copy of this package in the process shares one: the supervisor expects one count for the process.
const state = perProcess<Channel>('channel/1')

const shared = (): Channel =>
  state.get(() => ({ opened: false, supervised: false, handedOver: 0, cut: 0 }))

/**
 * Listens to the supervisor, where one gave this process a channel, and tells it so; once per process.
 */
export function openChannel(logger: Logger): void {
  const channel = shared()
  if (channel.opened) return
  channel.opened = true
  // Without a channel, a program that has not asked for notifications keeps its NOTIFY_SOCKET.
  if (look('notifications').SOCKET_PORT_CHANNEL === undefined) return
  const sender = notifier(logger)
  const end = sender.channel
  if (end === undefined) return
  try {
    const libc = usableLibc()
    const failed = (error: Error): void => warnOf(error, logger)
    const follow = queueFollower(libc, failed, logger)
    // Do not await in between: SIGTERM follows LAST, and libuv runs signal watchers after readers
    // (uv__io_poll), so a drain finds every message that was sent before the signal.
    const listen = async (next: Next): Promise<void> => {
      for (let message = next(); message !== undefined; message = next()) {
        const [socket, wakeUp, ...others] = message.fds
        for (const fd of others) closeSync(fd)
        if (Buffer.from(message.bytes).toString() === LAST) nobodyFollows()
        if (socket !== undefined && wakeUp !== undefined) follow({ socket, wakeUp })
        else if (socket !== undefined) closeSync(socket)
      }
    }
    watchQueue(libc, end, listen, failed)
    sendNotification({ [RECEIVES]: 1 }, [], logger)
    channel.supervised = true
  } catch (error) {
    logger.debug(`no connection is taken from the process before: ${(error as Error).message}`)
    sender.plainChannel()
  }
}

/** Receives the connections of a queue until this process drains. */
function queueFollower(
  libc: Libc,
  failed: (error: Error) => void,
  logger: Logger,
): (end: QueueEnd) => void {
  let told = 0
  const tell = (): void => {
    const { received } = receiver()
    if (received > told) sendNotification({ [RECEIVED]: received }, [], logger)
    told = received
  }
  const takeSome = async (next: Next): Promise<void> => {
    await receiver().receive(next, logger)
    tell()
  }
  return (end) => {
    const queue = watchQueue(libc, end, takeSome, failed)
    // No other process has this end, so messages that came from now on would be lost with this process.
    // Close it, so that the sender notices, and take what waits, so that the drain hands it over.
    const forget = receiver().onStop(() => {
      try {
        queue.end((next) => receiver().takeAll(next, logger))
      } catch (error) {
        failed(error as Error)
      }
      tell()
    })
    void queue.ended.then(forget)
  }
}

function warnOf(error: Error, logger: Logger): void {
  logger.warn(
    `what the process before passes cannot be received (${error.message}), and its connections may be lost`,
  )
}

/** Whether a supervisor started this process and has a channel to it. */
export const hasChannel = (): boolean => shared().supervised

/** Tells the supervisor, where there is one, of connections that a server has handed over or cut. */
export function reportDrained(
  { handedOver, forced }: Pick<DrainResult, 'handedOver' | 'forced'>,
  logger: Logger,
): void {
  const channel = shared()
  channel.handedOver += handedOver
  channel.cut += forced
  if (!channel.supervised) return
  if (handedOver > 0) sendNotification({ [HANDED_OVER]: channel.handedOver }, [], logger)
  if (forced > 0) sendNotification({ [CUT]: channel.cut }, [], logger)
}
