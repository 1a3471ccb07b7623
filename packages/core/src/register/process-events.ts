import type { EventEmitter } from 'node:events'
import { isOwnListener } from '../base/own-listener.ts'
import type { Emit, Preloaded } from './preloaded.ts'

type Listener = (...args: unknown[]) => unknown

// The types of Node know the events of `process` alone, and not those of every emitter.
const emitter: EventEmitter = process

/**
 * Lets `state` decide about a signal before anything of the program hears it, also where the program replaces
 * `process.emit`, or removes all listeners of the process.
 */
export function watchSignals(state: Preloaded): void {
  const emit = process.emit as Emit
  const decide = (event: string | symbol, pass: () => boolean): boolean => {
    if (event !== 'SIGTERM' && event !== 'SIGINT') return state.onRestart?.(event) ?? pass()
    return state.onSignal?.(event, pass) ?? pass()
  }
  const replaced: Emit = function (this: unknown, event, ...args) {
    return decide(event, () => Reflect.apply(emit, this, [event, ...args]))
  }
  process.emit = replaced as typeof process.emit
  const ofProgram = letNodeTake((event, ...args) =>
    decide(event, () => Reflect.apply(ofProgram(event), process, [event, ...args])),
  )
  keepListening(state)
}

/**
 * Node takes `process.emit` when the first listener of a signal is added, and calls it at each signal (lib/internal/process/signal.js).
 * Makes it take `first`. Returns what it would have taken: `process.emit` as it was when the program added its first listener.
 */
function letNodeTake(first: Emit): (event: string | symbol) => Emit {
  const taken = new Map<string | symbol, Emit>()
  for (const listener of emitter.listeners('newListener')) {
    emitter.off('newListener', listener as Listener)
    emitter.on('newListener', (event: string | symbol, added: unknown) => {
      const { emit } = process
      if (emitter.listeners(event).every(isOwnListener)) taken.set(event, emit as Emit)
      // Not by an assignment, which throws if the program has made `emit` read-only.
      Reflect.set(process, 'emit', first)
      try {
        Reflect.apply(listener, process, [event, added])
      } finally {
        Reflect.set(process, 'emit', emit)
      }
    })
  }
  return (event) => taken.get(event) ?? (process.emit as Emit)
}

// The program means its own listeners. Without ours, and without those of Node that let signals be caught, the next
// signal would cut every request.
function keepListening(state: Preloaded): void {
  const { removeAllListeners } = process
  const kept = (['newListener', 'removeListener'] as const).map(
    (event) => [event, emitter.listeners(event) as Listener[]] as const,
  )
  process.removeAllListeners = function (this: unknown, ...args: unknown[]) {
    const result: unknown = Reflect.apply(removeAllListeners, this, args)
    if (args.length === 0) {
      for (const [event, listeners] of kept) {
        for (const listener of listeners) emitter.on(event, listener)
      }
    }
    state.onRemoved?.()
    return result
  } as typeof process.removeAllListeners
}
