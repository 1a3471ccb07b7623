import type { Socket } from 'node:net'

/** What a strategy may ask of the drain, and do. */
export interface IdleContext {
  /** Still nothing in flight on it, and no byte of a next request. */
  isIdle(socket: Socket): boolean
  /** Those in the middle of a request, header or body, also of one that has been answered already. */
  receiving(): ReadonlySet<Socket>
  /** Milliseconds that the server owes this connection from now on. */
  promiseOf(socket: Socket): number
  /** Destroys the connection and counts it as expired. */
  expire(socket: Socket): void
  /** Resolves when nobody is waited for any longer. */
  lastCall: Promise<void>
  /** Closes this process's copy of a connection that the successor has, and counts it. */
  handedOver(socket: Socket): void
}

/** What to do with an idle connection of a draining server. */
export interface IdleStrategy {
  /** The connection is idle: from the start, just opened, or after a response that promised more. */
  idle(socket: Socket): void
  /** It is idle no longer: a request came, or it closed. */
  busy(socket: Socket): void
  /** The connection goes on after its response: this response must not close it. */
  keeps(socket: Socket): boolean
  /** The drain is over. */
  stop(): void
}

/** Keeps each connection for as long as it was promised, then destroys it. */
export function keepPromise(context: IdleContext): IdleStrategy {
  const timers = new Map<Socket, NodeJS.Timeout>()
  const strategy: IdleStrategy = {
    idle(socket) {
      strategy.busy(socket)
      timers.set(socket, setTimeout(expireUnlessAsked, context.promiseOf(socket), socket))
    },
    busy(socket) {
      clearTimeout(timers.get(socket))
      timers.delete(socket)
    },
    keeps: () => false,
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

/** Destroys each connection at once: for Ctrl-C, which must not wait for a browser. */
export function closeAtOnce(context: IdleContext): IdleStrategy {
  return {
    idle: (socket) => afterPoll(() => context.isIdle(socket) && context.expire(socket)),
    busy: () => {},
    keeps: () => false,
    stop: () => {},
  }
}

// Timers run before the loop polls for input: a request that has arrived already is read first.
// destroy(), not end(): after end() Node would still run a request whose answer is lost.
export const afterPoll = (then: () => void): void => void setImmediate(then)
