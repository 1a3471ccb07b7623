import type { Socket } from 'node:net'
import type { LongLivedKind } from '../base/types.ts'

/** What the next process needs in order to continue a connection in the middle of its exchange. */
export interface Continuation {
  /** The kind under which the connection is counted. */
  readonly kind: LongLivedKind
  /**
   * What the HTTP parser of the next process reads: the head of the request, and the bytes after it that a fresh
   * program must see, such as the part of a message that has come already.
   */
  readonly replay: Uint8Array
  /** The head of the response as this program wrote it. The next program must answer in the same way. */
  readonly responseHead: string
  /** What the client is sent if the next program answers in another way. Then its connection is closed. */
  readonly refusal: Uint8Array
  /** What `attachmentOf` returns in the next process: anything that `structuredClone` takes. */
  readonly attachment?: unknown
}

/** A connection that the next process can continue. Its protocol implements this. */
export interface Continuable {
  /** Stops reading: what the client sends from now on waits in the kernel, for the next process. */
  suspend(): void
  /**
   * Returns what the next process needs as of now. The connection is handed over in the same turn of the event loop.
   * `undefined`: something is under way, so ask again soon. A string: why it cannot be handed over.
   */
  capture(): Continuation | string | undefined
  /** What `capture` has last waited for, where it can say. If that takes too long, the reason names it. */
  readonly waitsFor?: string | undefined
  /** The next process has the connection. The program must not hear that it closes. */
  handedOver(): void
  /** The connection stays here: reads on. */
  resume(): void
}

// Symbol.for: the drain may be that of another copy of this package.
const CONTINUABLE: unique symbol = Symbol.for('@socket-port/core/continuable/1')

type Continued = Socket & { [CONTINUABLE]?: Continuable | undefined }

/**
 * Lets the next process continue a connection of a plain HTTP/1.1 server: the drain hands it over, if a next process
 * starts, rather than asking its client to leave. Returns a function that undoes it.
 */
export function handOverConnection(socket: Socket, continuable: Continuable): () => void {
  const continued: Continued = socket
  continued[CONTINUABLE] = continuable
  return () => {
    if (continued[CONTINUABLE] === continuable) continued[CONTINUABLE] = undefined
  }
}

/** What lets the next process continue the connection; `undefined` if nothing does. */
export const continuableOf = (socket: Socket): Continuable | undefined =>
  (socket as Continued)[CONTINUABLE]
