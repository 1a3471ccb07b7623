import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DelayLine } from './delay-line.ts'
import type { Target } from './options.ts'

export interface LinkOwner {
  opened(): void
  received(bytes: Buffer): void
  /** The server sent its FIN. */
  ended(): void
  failed(error: NodeJS.ErrnoException): void
}

/**
 * One connection over a simulated network. Bytes are sent after the given one-way delay, and events are
 * reported after it, in order.
 */
export class Link {
  readonly #owner: LinkOwner
  readonly #line: DelayLine
  readonly #target: Target
  #socket: Socket | undefined
  #closed = false

  constructor(target: Target, line: DelayLine, owner: LinkOwner) {
    this.#owner = owner
    this.#line = line
    this.#target = target
    line.put(() => this.#connect())
  }

  send(text: string): void {
    this.#line.put(() => this.#socket?.write(text, 'latin1'))
  }

  /** Closes the connection. No event is reported any more. */
  close(): void {
    this.#closed = true
    this.#line.put(() => this.#socket?.destroy())
  }

  #connect(): void {
    const socket = open(this.#target)
    this.#socket = socket
    socket.once(this.#target.tls ? 'secureConnect' : 'connect', () =>
      this.#see(() => this.#owner.opened()),
    )
    socket.on('data', (bytes: Buffer) => this.#see(() => this.#owner.received(bytes)))
    socket.once('end', () => this.#see(() => this.#owner.ended()))
    socket.on('error', (error) => this.#see(() => this.#owner.failed(error)))
    // Only a close without a FIN and without an error before it. In other cases the link is closed already.
    socket.once('close', () => this.#see(() => this.#owner.ended()))
  }

  #see(event: () => void): void {
    this.#line.put(() => {
      if (!this.#closed) event()
    })
  }
}

function open(target: Target): Socket {
  const address =
    target.path !== undefined
      ? { path: target.path.replace(/^@/, '\0') }
      : { host: target.host ?? '127.0.0.1', port: target.port ?? 0, noDelay: true }
  // Half-open: without it, Node would close the connection by itself after a FIN.
  const options = { ...address, allowHalfOpen: true }
  return target.tls ? connectTls({ ...options, ...target.tls }) : connectTcp(options)
}
