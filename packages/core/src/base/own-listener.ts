import type { AnyServer } from './types.ts'

// Symbol.for: every copy of this package must recognise it.
const mark: unique symbol = Symbol.for('@socket-port/core/beside')

/** Marks a listener of this package, which stands beside those of the program, and returns it. */
export const ownListener = <F extends (...args: never[]) => unknown>(listener: F): F =>
  Object.assign(listener, { [mark]: true })

/** Whether a listener is one of this package, as `listeners` or `rawListeners` gives it. */
export const isOwnListener = (listener: unknown): boolean =>
  mark in ((listener as { listener?: object }).listener ?? (listener as object))

/** Calls back once when the server has closed. `server.off('close', listener)` undoes it. */
export const onceClosed = (server: AnyServer, listener: () => void): void =>
  void server.once('close', ownListener(listener))
