import { isOwnListener } from '../base/own-listener.ts'
import type { AnyServer } from '../base/types.ts'

type Listener = (...args: unknown[]) => unknown

/**
 * Holds the event 'close' of a server back from the program's own listeners, as long as `isHeld` says so when it
 * comes. Without the preload the program gets a stop signal first, and then closes its server. So its listeners get
 * the event when it calls `server.close`, and never if it does not.
 */
export function holdClose(server: AnyServer, isHeld: () => boolean): void {
  const { emit, close } = server
  let held: Listener[] | undefined
  server.emit = function (this: unknown, event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'close' && isHeld()) {
      held = server.rawListeners('close').filter((each) => !isOwnListener(each)) as Listener[]
      for (const listener of held) server.off('close', listener)
    }
    return Reflect.apply(emit, this, [event, ...args])
  } as typeof emit
  server.close = function (this: AnyServer, callback?: (error?: Error) => void): AnyServer {
    if (held !== undefined) {
      for (const listener of held) server.on('close', listener)
      held = undefined
      // Before the callback, and after the program has added a listener behind this call.
      process.nextTick(() => Reflect.apply(emit, server, ['close']))
    }
    return Reflect.apply(close, this, [callback])
  } as typeof close
}
