import { closeSync } from 'node:fs'
import type { Logger } from '../base/types.ts'
import { QUEUE_NAME } from '../listen/fd-name.ts'
import { mostStored } from '../listen/fd-store-count.ts'
import { storeProblem } from '../listen/fd-store-limit.ts'
import { notifier } from '../notify/notifier.ts'
import { sendNotification } from '../notify/send.ts'
import { successorRuns } from '../process/successor.ts'
import type { Libc } from '../sockets/libc.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { openQueue, type Sent, sendTo } from './fd-queue.ts'
import { closeQueueEnd, openSignalledQueue, sendAndSignal } from './signalled-queue.ts'
import { receivesFromSupervisor } from './supervisor-channel.ts'

// Milliseconds. A manager answers the barrier at once, and the drain must not wait for one that does not.
const PATIENCE = 2_000

/** The sending end of a queue, whose other end the manager keeps for the next process, or that process has. */
export interface StoredQueue {
  send(bytes: Uint8Array, fds?: readonly number[]): Sent
}

/**
 * Opens a queue and puts its far end into the manager's fd store. Returns `undefined` if the
 * manager has no store or no room in it. Then nothing was handed over, and nothing is lost.
 *
 * The connections themselves never go through the manager, which compares each new descriptor with all that
 * it stores. They wait in the queue, which is one entry of the store for thousands of connections.
 */
export async function openStoredQueue(logger: Logger): Promise<StoredQueue | undefined> {
  const libc = usableLibc()
  const isSupervised = successorRuns() || receivesFromSupervisor()
  // A supervisor keeps every queue.
  const problem = isSupervised ? undefined : await storeProblem(mostStored(logger))
  if (problem !== undefined) {
    logger.info(`idle connections stay here for as long as was promised: ${problem}`)
    return undefined
  }
  // A next process that already runs must be woken; one that starts later finds the queue.
  const { queue, far, close } = isSupervised ? signalledQueue(libc) : plainQueue(libc)
  const sent = sendNotification({ FDSTORE: 1, FDNAME: QUEUE_NAME }, far, logger)
  const confirmed = sent && (await notifier().barrier(PATIENCE))
  far.forEach(closeSync)
  // A manager that has stored nothing has closed the other end, and a send fails.
  if (confirmed && queue.send(PROBE) === 'sent') return queue
  close()
  return undefined
}

interface Opened {
  queue: StoredQueue
  /** The descriptors of the far end. */
  far: number[]
  close(): void
}

function plainQueue(libc: Libc): Opened {
  const { near, far } = openQueue(libc)
  return {
    queue: { send: (bytes, fds) => sendTo(libc, near, bytes, fds) },
    far: [far],
    close: () => closeSync(near),
  }
}

function signalledQueue(libc: Libc): Opened {
  const { near, far } = openSignalledQueue(libc)
  return {
    queue: { send: (bytes, fds) => sendAndSignal(libc, near, bytes, fds) },
    far: [far.socket, far.wakeUp],
    close: () => closeQueueEnd(near),
  }
}

// It has no descriptors, so a receiver ignores it.
const PROBE = Buffer.from(`socket-port ${process.pid}`)
