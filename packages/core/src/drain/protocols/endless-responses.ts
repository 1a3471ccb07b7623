import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { continuableOf } from '../../continue/continuable.ts'
import { hasNextRequest } from '../../node/http-parser.ts'
import { currentResponse } from '../../node/http-response.ts'
import { answerPoll, closingPoll } from './engine-io.ts'
import { EventStreamEnd, endQuietly, isEventStream, isOpenEnded } from './event-stream.ts'
import type { DrainContext } from './protocol.ts'

interface Followed {
  readonly socket: Socket
  readonly since: number
  /** It was recognised as endless. */
  isEndless: boolean
}

/**
 * The responses of a draining server that would not end by themselves, among those in flight: event streams, polls of
 * Socket.IO, and any that outlives `drain.streamTimeout`.
 */
export class EndlessResponses {
  readonly #context: DrainContext
  readonly #followed = new Map<ServerResponse, Followed>()

  constructor(context: DrainContext) {
    this.#context = context
  }

  /** Follows a response that is in flight when the drain begins, or whose request has come since. */
  follow(socket: Socket, response: ServerResponse): void {
    const followed = { socket, since: performance.now(), isEndless: false }
    this.#followed.set(response, followed)
    this.#look(response, followed)
  }

  /** Looks at all of them: some may have sent their head, or lasted longer, since the last look. */
  look(): void {
    for (const [response, followed] of this.#followed) this.#look(response, followed)
  }

  /** The response has closed. */
  delete(response: ServerResponse): void {
    const followed = this.#followed.get(response)
    this.#followed.delete(response)
    if (followed?.isEndless) this.#context.ended(followed.socket)
  }

  /** Whether the response is one of them. */
  has(response: ServerResponse): boolean {
    return this.#followed.get(response)?.isEndless ?? false
  }

  #look(response: ServerResponse, followed: Followed): void {
    const { socket, isEndless } = followed
    // The responses to pipelined requests wait for the current one.
    if (isEndless || currentResponse(socket) !== response) return
    const payload = closingPoll(response)
    if (payload !== undefined) {
      followed.isEndless = true
      this.#context.longLived(socket, undefined, () => answerPoll(response, payload))
    } else if (isOpenEnded(response) && this.#isEndless(response, followed)) {
      followed.isEndless = true
      this.#context.longLived(socket, 'eventStreams', this.#endOf(socket, response))
    }
  }

  #isEndless(response: ServerResponse, { since, socket }: Followed): boolean {
    // A client that posts does not post again by itself when the stream ends. Such a stream is the answer to
    // one question, and ends when it is complete. A client that asked with HEAD has its whole answer.
    const { quick, streamTimeout } = this.#context
    if (isEventStream(response) && (quick || isSafe(response.req))) return true
    // If another request came behind this one, the next process may continue the response to that request.
    if (continuableOf(socket) !== undefined && !hasNextRequest(socket, response.req)) return true
    return streamTimeout !== undefined && performance.now() - since >= streamTimeout
  }

  #endOf(socket: Socket, response: ServerResponse): (() => void) | undefined {
    const { quick, closeGrace, leavesStreams } = this.#context
    if (leavesStreams && !quick) return undefined
    const asked = (): void => this.#context.asked(socket)
    if (isEventStream(response)) {
      const stream = new EventStreamEnd(response)
      return () => stream.end(quick ? 0 : closeGrace, asked)
    }
    return () => {
      endQuietly(response)
      asked()
    }
  }
}

const isSafe = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD'
