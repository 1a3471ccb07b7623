import type { Socket } from 'node:net'
import { afterPoll } from '../../base/after-poll.ts'
import type { StoredContinuation } from '../../continue/stored.ts'
import { type OpenHandle, quietHandle } from '../../node/tcp-handle.ts'
import { MOST_FDS } from '../../sockets/ancillary.ts'
import type { Barrier } from './barrier.ts'
import type { IdleContext, IdleStrategy } from './strategy.ts'

/** The queue that takes idle connections for the next process: in systemd's fd store, or of a supervisor. */
export interface TransferTarget {
  /**
   * Each server of the process holds it while connections block the hand-over (`BlockingConnections`), if the
   * next process starts only when this one has ended.
   */
  readonly barrier: Barrier
  /** How many more connections it takes. */
  readonly room: number
  /**
   * Sends descriptors, `MOST_FDS` at most. True: they were taken, and this process may close its copies.
   * False: nothing was sent.
   */
  send(fds: readonly number[]): Promise<boolean>
  /**
   * Sends connections that the next process continues, `MOST_CONTINUED` at most. Returns before anything else can run in
   * this process: what was captured of them must not change.
   */
  sendContinued(connections: readonly ContinuedConnection[]): boolean
}

/** A connection that the next process continues, and what it needs for that. */
export interface ContinuedConnection {
  readonly fd: number
  readonly continuation: StoredContinuation
}

/** A message with connections that are continued has one more descriptor: that of the file with what they need. */
export const MOST_CONTINUED: number = MOST_FDS - 1

/**
 * Hands each idle connection over to the next process, so that its client sees no close. A connection that
 * cannot be handed over is left to the strategy `otherwise`.
 */
export function transfer(
  context: IdleContext,
  target: TransferTarget,
  otherwise: IdleStrategy,
): IdleStrategy {
  const waiting = new Set<Socket>()
  let state: 'resting' | 'sending' | 'stopped' = 'resting'

  const strategy: IdleStrategy = {
    idle(socket, mayTransfer = false) {
      if (!mayTransfer || !hasRoom()) return otherwise.idle(socket)
      waiting.add(socket)
      startSending()
    },
    busy(socket) {
      waiting.delete(socket)
      otherwise.busy(socket)
    },
    staysOpen: (socket) => hasRoom() && context.mayTransfer(socket),
    stop() {
      state = 'stopped'
      waiting.clear()
      otherwise.stop()
    },
  }

  const hasRoom = (): boolean => target.room > waiting.size

  function startSending(): void {
    if (state !== 'resting') return
    state = 'sending'
    // Connections that become idle in one turn of the event loop go in one batch.
    afterPoll(() => void sendAll())
  }

  async function sendAll(): Promise<void> {
    await Promise.race([target.barrier.opened, context.givenUp])
    while (waiting.size > 0 && state === 'sending') await sendBatch()
    if (state === 'sending') state = 'resting'
  }

  async function sendBatch(): Promise<void> {
    const batch = new Map<Socket, OpenHandle>()
    for (const socket of waiting) {
      if (batch.size === MOST_FDS) break
      waiting.delete(socket)
      // A request is on its way: the connection is reported idle again when it was read and answered.
      if (context.isReceiving(socket) || !context.isIdle(socket)) continue
      const handle = quietHandle(socket)
      if (handle === undefined) otherwise.idle(socket)
      else batch.set(socket, handle)
    }
    if (batch.size === 0) return
    // Stop reading before the descriptors are shared: bytes that arrive from now on wait in the kernel.
    for (const handle of batch.values()) handle.readStop()
    const sent = await target.send([...batch.values()].map(({ fd }) => fd))
    for (const [socket, handle] of batch) {
      if (sent) context.transferred(socket)
      else if (!socket.destroyed) {
        handle.readStart()
        otherwise.idle(socket)
      }
    }
  }

  return strategy
}
