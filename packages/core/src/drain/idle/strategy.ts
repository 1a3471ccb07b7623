import type { Socket } from 'node:net'
import { afterPoll } from '../../base/after-poll.ts'

/** What the drain offers to a strategy. */
export interface IdleContext {
  /** Whether the connection is still idle: nothing in flight, and no byte of a next request. */
  isIdle(socket: Socket): boolean
  /** Whether the connection is in the middle of a request, header or body, also of one that was answered already. */
  isReceiving(socket: Socket): boolean
  /** Whether its protocol lets the connection go to the next process. */
  mayTransfer(socket: Socket): boolean
  /** Milliseconds for which the server promised to keep this connection, from now on. */
  promiseOf(socket: Socket): number
  /** Destroys the connection and counts it as expired. */
  expire(socket: Socket): void
  /** Resolves when the wait for connections in flight is given up. */
  givenUp: Promise<void>
  /** Closes this process's copy of a connection that was handed over, and counts it. */
  transferred(socket: Socket): void
}

/** What a draining server does with an idle connection. */
export interface IdleStrategy {
  /**
   * The connection is idle: since before the drain, just opened, or after a response that kept it alive.
   * `mayTransfer`: its protocol lets it go to the next process.
   */
  idle(socket: Socket, mayTransfer?: boolean): void
  /** The connection is no longer idle: a request came, or it closed. */
  busy(socket: Socket): void
  /** Whether the connection goes on after its response, which then must not close it. */
  staysOpen(socket: Socket): boolean
  /** Called when the drain is over. */
  stop(): void
}

/** Keeps each connection for as long as was promised, then destroys it. */
export function expireAtPromise(context: IdleContext): IdleStrategy {
  const timers = new Map<Socket, NodeJS.Timeout>()
  const strategy: IdleStrategy = {
    idle(socket) {
      strategy.busy(socket)
      timers.set(socket, setTimeout(expireUnlessAsked, context.promiseOf(socket), socket))
    },
    busy(socket) {
      const timer = timers.get(socket)
      if (timer === undefined) return
      clearTimeout(timer)
      timers.delete(socket)
    },
    staysOpen: () => false,
    stop() {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
  const expireUnlessAsked = (socket: Socket): void => {
    timers.delete(socket)
    afterPoll(() => context.isIdle(socket) && context.expire(socket))
  }
  return strategy
}

/** Destroys each idle connection at once: Ctrl-C must not wait for a browser. */
export function closeAtOnce(context: IdleContext): IdleStrategy {
  return {
    idle: (socket) => afterPoll(() => context.isIdle(socket) && context.expire(socket)),
    busy: () => {},
    staysOpen: () => false,
    stop: () => {},
  }
}
