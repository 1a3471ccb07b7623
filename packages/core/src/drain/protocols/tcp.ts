import type { Socket } from 'node:net'
import type { Carries, DrainContext, Protocol } from './protocol.ts'

/**
 * A protocol that only the program knows, on TCP, TLS or a unix socket. Such a connection cannot be asked to
 * leave: the program ends it, or the deadline. The quick form closes it at once.
 */
export class Tcp implements Protocol {
  readonly acceptsNew: boolean = false
  protected readonly context: DrainContext

  constructor(context: DrainContext) {
    this.context = context
  }

  speaks(_: Socket): boolean {
    return true
  }

  stateOf(): 'unknown' {
    return 'unknown'
  }

  carries(_: Socket): Carries {
    return 'connection'
  }

  askToLeave(socket: Socket): void {
    if (this.context.quick) this.context.expire(socket)
  }

  mayTransfer(): boolean {
    return false
  }

  isEndless(_: Socket): boolean {
    return true
  }
}
