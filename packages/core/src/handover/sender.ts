import { closeSync } from 'node:fs'
import type { AnyServer, Logger } from '../base/types.ts'
import { Barrier } from '../drain/idle/barrier.ts'
import type { ContinuedConnection, TransferTarget } from '../drain/idle/transfer.ts'
import { perProcess } from '../process/per-process.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { nextProcessComes } from '../systemd/restart-job.ts'
import { writeBatchHeader } from './batch-header.ts'
import { writeContinuations } from './continuation-file.ts'
import type { Sent } from './fd-queue.ts'
import { keepAlivePromise } from './keep-alive-promise.ts'
import { receiver } from './receiver.ts'
import { restartSignalled } from './restart-signal.ts'
import { openStoredQueue, type StoredQueue } from './stored-queue.ts'
import { receivesFromSupervisor } from './supervisor-channel.ts'
import type { Batch, WaitingConnection } from './waiting-connections.ts'

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
  if (typeof address === 'string') {
    return { barrier, room: 0, send: async () => false, sendContinued: () => false }
  }
  if (address === null) return undefined
  state.queue ??= openQueue(logger).catch((error: Error) => {
    // There is no native code. The connections are kept as promised; the notifier has warned already.
    logger.debug(`idle connections are not handed over: ${error.message}`)
    return undefined
  })
  const queue = await state.queue
  if (queue === undefined || !(expected || (await nextComes(logger)))) return undefined
  return new QueueTarget(barrier, queue, server, logger)
}

function nextComes(logger: Logger): Promise<boolean> {
  // A supervisor hands connections only to a process that already runs.
  if (receivesFromSupervisor() || restartSignalled()) return Promise.resolve(true)
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
    forward(queue, batch, logger)
    for (const { fd } of batch.connections) closeSync(fd)
  })
  return queue
}

function forward(queue: StoredQueue, { promise, connections }: Batch, logger: Logger): void {
  const continued = connections.filter(isContinued)
  const idle = connections.filter((connection) => !isContinued(connection))
  if (idle.length > 0)
    sendIdle(
      queue,
      promise,
      idle.map(({ fd }) => fd),
    )
  if (continued.length > 0) sendContinued(queue, continued, logger)
}

const isContinued = (connection: WaitingConnection): connection is ContinuedConnection =>
  connection.continuation !== undefined

const sendIdle = (queue: StoredQueue, promise: number, fds: readonly number[]): Sent =>
  queue.send(writeBatchHeader({ kind: 'idle-http', connections: fds.length, promise }), fds)

function sendContinued(
  queue: StoredQueue,
  connections: readonly ContinuedConnection[],
  logger: Logger,
): Sent {
  try {
    const continuations = connections.map(({ continuation }) => continuation)
    const { fd: file, key } = writeContinuations(usableLibc(), continuations)
    const header = writeBatchHeader({ kind: 'continued', connections: connections.length, key })
    const sent = queue.send(header, [file, ...connections.map(({ fd }) => fd)])
    closeSync(file)
    return sent
  } catch (error) {
    logger.warn(
      `what the next process needs to continue connections cannot be written (${(error as Error).message}); ` +
        'allow memfd_create(2) in the system call filter of the service',
    )
    return 'full'
  }
}

class QueueTarget implements TransferTarget {
  readonly barrier: Barrier
  readonly #queue: StoredQueue
  readonly #promise: number
  readonly #logger: Logger
  #last: Sent = 'sent'

  constructor(barrier: Barrier, queue: StoredQueue, server: AnyServer, logger: Logger) {
    const { keepAliveTimeout } = server as { keepAliveTimeout?: number }
    this.barrier = barrier
    this.#queue = queue
    this.#logger = logger
    this.#promise = keepAlivePromise(keepAliveTimeout)
  }

  get room(): number {
    return this.#last === 'sent' ? Number.POSITIVE_INFINITY : 0
  }

  async send(fds: readonly number[]): Promise<boolean> {
    this.#last = sendIdle(this.#queue, this.#promise, fds)
    return this.#last === 'sent'
  }

  sendContinued(connections: readonly ContinuedConnection[]): boolean {
    this.#last = sendContinued(this.#queue, connections, this.#logger)
    return this.#last === 'sent'
  }
}
