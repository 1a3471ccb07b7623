import type { Socket } from 'node:net'
import type { AnyServer } from '../../base/types.ts'
import { isTlsServer } from '../../node/server-kind.ts'
import { isEncrypted } from '../../node/tls-socket.ts'
import type { DrainContext, Protocol } from './protocol.ts'

/**
 * A connection whose TLS handshake is not done. It may finish: when it has, a TLSSocket stands for the
 * connection, and speaks another protocol. Until then it counts as idle.
 */
export class Handshake implements Protocol {
  readonly acceptsNew = false
  readonly #isTls: boolean
  readonly #context: DrainContext

  constructor(server: AnyServer, context: DrainContext) {
    this.#isTls = isTlsServer(server)
    this.#context = context
  }

  speaks(socket: Socket): boolean {
    return this.#isTls && !isEncrypted(socket)
  }

  stateOf(): 'idle' {
    return 'idle'
  }

  carries(): 'connection' {
    return 'connection'
  }

  askToLeave(socket: Socket): void {
    this.#context.idle(socket, this.#context.idleTimeout)
  }

  mayTransfer(): boolean {
    return false
  }

  isEndless(): boolean {
    return false
  }
}
