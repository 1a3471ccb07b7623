import type { Server } from 'node:net'
import type { ShutdownSignal } from '../base/types.ts'
import { type PerProcess, perProcess } from '../process/per-process.ts'

/** `process.emit`, and every method like it. */
export type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean

/** What the preload has replaced, for the part of it that is loaded later. */
export interface Preloaded {
  /** Node's own `net.Server.prototype.listen`. */
  readonly listen: Server['listen']
  /** The servers that are served here, each with the `listen` that serves it. */
  readonly served: WeakMap<Server, Server['listen']>
  /**
   * Decides what becomes of a stop signal. `pass` calls the program's own listeners. Returns what `emit` returns:
   * whether anything listens. @default the listeners are called
   */
  onSignal: ((signal: ShutdownSignal, pass: () => boolean) => boolean) | undefined
  /** Called when the program has removed all listeners of an event. */
  onRemoved: (() => void) | undefined
  /** Does what the signal for a restart asks for. Returns `undefined` for every other event. */
  onRestart: ((event: string | symbol) => boolean | undefined) | undefined
}

// The second preload of a process does nothing: NODE_OPTIONS may name another copy than the command line.
export const preloaded: PerProcess<Preloaded> = perProcess<Preloaded>('preload/1')
