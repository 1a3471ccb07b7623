import type { Socket } from 'node:net'
import { unreadRequest } from '../../node/http-parser.ts'
import { isPlainTcp, type OpenHandle, quietHandle } from '../../node/tcp-handle.ts'
import type { Barrier } from './barrier.ts'
import { afterPoll, type IdleContext, type IdleStrategy } from './strategy.ts'

/** Takes idle connections for the next process: a queue in systemd's fd store, or one of a supervisor. */
export interface TransferTarget {
  /**
   * Each server of the process closes it while it has requests from before the drain, if the next process
   * starts only when this one has ended: a connection that is handed over would wait for them.
   */
  readonly barrier: Barrier
  /** How many more connections it takes. */
  readonly room: number
  /**
   * Sends descriptors, `MOST_FDS` at most. True: they were taken, and this process may close its copies.
   * False: nothing was sent.
   */
  send(fds: readonly number[]): Promise<boolean>
}

// SCM_MAX_FD of unix(7): the most descriptors of one message.
const BATCH = 253

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
  let passing = false
  let stopped = false

  const strategy: IdleStrategy = {
    idle(socket) {
      if (!strategy.staysOpen(socket)) return otherwise.idle(socket)
      waiting.add(socket)
      pass()
    },
    busy(socket) {
      waiting.delete(socket)
      otherwise.busy(socket)
    },
    staysOpen: (socket) => target.room > waiting.size && isPlainTcp(socket),
    stop() {
      stopped = true
      waiting.clear()
      otherwise.stop()
    },
  }

  function pass(): void {
    if (passing) return
    passing = true
    // Connections that become idle in one turn of the event loop go in one batch.
    afterPoll(() => void passAll())
  }

  async function passAll(): Promise<void> {
    await Promise.race([target.barrier.opened, context.givenUp])
    while (waiting.size > 0 && !stopped) await passSome()
    passing = false
  }

  async function passSome(): Promise<void> {
    const batch = new Map<Socket, OpenHandle>()
    const receiving = context.receiving()
    for (const socket of waiting) {
      if (batch.size === BATCH) break
      waiting.delete(socket)
      if (receiving.has(socket)) {
        // Half a header: it comes back after its response. A body whose response was sent already:
        unreadRequest(socket)?.once('close', () => socket.destroyed || strategy.idle(socket))
        continue
      }
      const handle = quietHandle(socket)
      if (!context.isIdle(socket)) continue // it comes back after its response
      if (handle === undefined) otherwise.idle(socket)
      else batch.set(socket, handle)
    }
    if (batch.size === 0) return
    // Stop reading before the descriptors are shared: bytes that arrive from now on wait in the kernel.
    for (const handle of batch.values()) handle.readStop()
    const passed = await target.send([...batch.values()].map(({ fd }) => fd))
    for (const [socket, handle] of batch) {
      if (passed) context.transferred(socket)
      else if (!socket.destroyed) {
        handle.readStart()
        otherwise.idle(socket)
      }
    }
  }

  return strategy
}
