import type { Socket } from 'node:net'
import type { Gate } from './gate.ts'
import { afterPoll, type IdleContext, type IdleStrategy } from './idle.ts'
import { isPlainTcp, type OpenHandle, quietHandle, unreadRequest } from './node-internals.ts'

/** Whoever keeps connections until the successor takes them: systemd's fd store, a supervisor. */
export interface Keeper {
  /**
   * Held by each server of the process with requests from before the drain, where the successor
   * starts only when this process has ended: whoever left now would wait for them.
   */
  readonly gate: Gate
  /** How many more it takes. */
  readonly room: number
  /**
   * Passes descriptors, `MOST_FDS` at most; false where they were not taken, and stay as they are.
   * What was passed may be closed here.
   */
  pass(fds: readonly number[]): Promise<boolean>
}

// SCM_MAX_FD of unix(7): what one message carries.
const BATCH = 253

/**
 * Gives each idle connection to the keeper, on which the client sees no close at all; what the
 * keeper does not take is left to `otherwise`.
 */
export function handOver(
  context: IdleContext,
  keeper: Keeper,
  otherwise: IdleStrategy,
): IdleStrategy {
  const waiting = new Set<Socket>()
  let passing = false
  let stopped = false

  const strategy: IdleStrategy = {
    idle(socket) {
      if (!strategy.keeps(socket)) return otherwise.idle(socket)
      waiting.add(socket)
      pass()
    },
    busy(socket) {
      waiting.delete(socket)
      otherwise.busy(socket)
    },
    keeps: (socket) => keeper.room > waiting.size && isPlainTcp(socket),
    stop() {
      stopped = true
      waiting.clear()
      otherwise.stop()
    },
  }

  function pass(): void {
    if (passing) return
    passing = true
    // Those that fall idle in one turn of the loop go together.
    afterPoll(() => void passAll())
  }

  async function passAll(): Promise<void> {
    await Promise.race([keeper.gate.opened, context.lastCall])
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
        // Of a header it comes back after its response; of a body that has been answered already:
        unreadRequest(socket)?.once('close', () => socket.destroyed || strategy.idle(socket))
        continue
      }
      const handle = quietHandle(socket)
      if (!context.isIdle(socket)) continue // it comes back after its response
      if (handle === undefined) otherwise.idle(socket)
      else batch.set(socket, handle)
    }
    if (batch.size === 0) return
    // Before the descriptors are shared: what arrives from now on waits in the kernel.
    for (const handle of batch.values()) handle.readStop()
    const passed = await keeper.pass([...batch.values()].map(({ fd }) => fd))
    for (const [socket, handle] of batch) {
      if (passed) context.handedOver(socket)
      else if (!socket.destroyed) {
        handle.readStart()
        otherwise.idle(socket)
      }
    }
  }

  return strategy
}
