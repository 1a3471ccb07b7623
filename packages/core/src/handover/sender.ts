import { closeSync } from 'node:fs'
import type { AnyServer, Logger } from '../base/types.ts'
import { Barrier } from '../drain/idle/barrier.ts'
import type { TransferTarget } from '../drain/idle/transfer.ts'
import { perProcess } from '../process/per-process.ts'
import { nextProcessComes } from '../systemd/restart-job.ts'
import { writeBatchHeader } from './batch-header.ts'
import type { Sent } from './fd-queue.ts'
import { promiseOf } from './keep-alive-promise.ts'
import { receiver } from './receiver.ts'
import { restartSignalled } from './restart-signal.ts'
import { openStoredQueue, type StoredQueue } from './stored-queue.ts'
import { hasChannel } from './supervisor-channel.ts'
import type { Batch } from './waiting-connections.ts'

interface Shared {
  readonly barrier: Barrier
  queue: Promise<StoredQueue | undefined> | undefined
  /** Whether systemd starts a next process. */
  nextComes: Promise<boolean> | undefined
}

// Every copy of this package in the process shares one: the next process starts when the servers of all
// copies have drained.
const state = perProcess<Shared>('sender/1')

const shared = (): Shared =>
  state.get(() => ({ barrier: new Barrier(), queue: undefined, nextComes: undefined }))

/**
 * Returns what takes this server's idle connections for the next process, and `undefined` if nothing does or if
 * no next process starts. `expected`: a next process starts, so systemd need not be asked.
 */
export async function targetFor(
  server: AnyServer,
  expected: boolean,
  logger: Logger,
): Promise<TransferTarget | undefined> {
  const state = shared()
  const { barrier } = state
  const address = server.address()
  // Connections of a unix socket are not handed over, but the other servers must wait for them.
  if (typeof address === 'string') return { barrier, room: 0, send: async () => false }
  if (address === null) return undefined
  state.queue ??= openQueue(logger).catch((error: Error) => {
    // There is no native code. The connections are kept as promised; the notifier has warned already.
    logger.debug(`idle connections are not handed over: ${error.message}`)
    return undefined
  })
  const queue = await state.queue
  if (queue === undefined || !(expected || (await nextComes(logger)))) return undefined
  return new QueueTarget(barrier, queue, server)
}

function nextComes(logger: Logger): Promise<boolean> {
  // A supervisor hands connections only to a process that already runs.
  if (hasChannel() || restartSignalled()) return Promise.resolve(true)
  const state = shared()
  state.nextComes ??= nextProcessComes().catch((error: Error) => {
    logger.info(
      'idle connections are not handed over, but kept for as long as was promised: it is not known whether the ' +
        `manager starts the next process (${error.message}). Where it always does, set drain.idle to 'handover'`,
    )
    return false
  })
  return state.nextComes
}

async function openQueue(logger: Logger): Promise<StoredQueue | undefined> {
  const queue = await openStoredQueue(logger)
  if (queue === undefined) return undefined
  // Forward connections of the previous process that no server of this one has received.
  receiver().forwardUnclaimed((batch) => {
    sendBatch(queue, batch)
    for (const fd of batch.fds) closeSync(fd)
  })
  return queue
}

const sendBatch = (queue: StoredQueue, { promise, fds }: Batch): Sent =>
  queue.send(writeBatchHeader({ connections: fds.length, promise }), fds)

class QueueTarget implements TransferTarget {
  readonly barrier: Barrier
  readonly #queue: StoredQueue
  readonly #promise: number
  #last: Sent = 'sent'

  constructor(barrier: Barrier, queue: StoredQueue, server: AnyServer) {
    const { keepAliveTimeout } = server as { keepAliveTimeout?: number }
    this.barrier = barrier
    this.#queue = queue
    this.#promise = promiseOf(keepAliveTimeout)
  }

  get room(): number {
    return this.#last === 'sent' ? Number.POSITIVE_INFINITY : 0
  }

  async send(fds: readonly number[]): Promise<boolean> {
    this.#last = sendBatch(this.#queue, { promise: this.#promise, fds })
    return this.#last === 'sent'
  }
}
