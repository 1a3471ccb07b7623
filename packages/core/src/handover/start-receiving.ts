import { closeSync } from 'node:fs'
import { onceClosed } from '../base/own-listener.ts'
import type { AnyServer, Logger } from '../base/types.ts'
import { QUEUE_NAME } from '../listen/fd-name.ts'
import { countRemoved } from '../listen/fd-store-count.ts'
import { takeQueues } from '../listen/socket-registry.ts'
import { sendNotification } from '../notify/send.ts'
import type { Libc } from '../sockets/libc.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { checkQueue, receiveFrom } from './fd-queue.ts'
import { receiver } from './receiver.ts'
import { openChannel } from './supervisor-channel.ts'

/**
 * Lets a listening server receive connections of the previous process: from the queues that this process has
 * inherited, and through the channel of a supervisor. Returns a function that ends it.
 */
export function startReceiving(server: AnyServer, logger: Logger): () => void {
  const leave = receiver().join(server)
  onceClosed(server, leave)
  openChannel(logger)
  const queues = takeQueues()
  if (queues.length > 0) {
    receiveInherited(queues, logger).catch((error: Error) => {
      logger.warn(
        'connections of the previous process cannot be received, and wait for the next process ' +
          `(${error.message})`,
      )
    })
  }
  return leave
}

async function receiveOne(libc: Libc, fd: number, logger: Logger): Promise<boolean> {
  try {
    checkQueue(libc, fd)
  } catch (error) {
    logger.warn(
      `fd ${fd} was passed as ${QUEUE_NAME}, but nothing can be received from it ` +
        `(${(error as Error).message}), and it is left alone; pass it as the previous process has stored it`,
    )
    return true
  }
  const emptied = await receiver().receive(() => receiveFrom(libc, fd), logger)
  closeSync(fd)
  return emptied
}

async function receiveInherited(queues: readonly number[], logger: Logger): Promise<void> {
  const libc = usableLibc()
  for (const fd of queues) {
    // The rest stays in the manager's fd store, for the next process.
    if (!(await receiveOne(libc, fd, logger))) return
  }
  sendNotification({ FDSTOREREMOVE: 1, FDNAME: QUEUE_NAME }, [], logger)
  countRemoved(queues.length)
}
