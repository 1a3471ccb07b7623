import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { StreamTail } from '../../continue/stream-tail.ts'
import { unwritten, type WriteArguments } from '../../continue/written.ts'
import { sentHead } from '../../node/http-response.ts'

/** How often in milliseconds responses in flight are looked at, which may have turned out not to end by themselves. */
export const LOOK_EVERY = 500

const EVENT_STREAM = /^content-type: *text\/event-stream\b/im
const LENGTH = /^content-length:/im

/** Whether the response is an event stream (WHATWG HTML, 9.2): a client of it connects again when it ends. */
export const isEventStream = (response: ServerResponse): boolean =>
  EVENT_STREAM.test(sentHead(response))

/** Whether the response may end at any byte: its head is sent, and gives no length. */
export const isOpenEnded = (response: ServerResponse): boolean =>
  response.headersSent && !response.writableEnded && !LENGTH.test(sentHead(response))

/**
 * Follows what is written to a response from now on, to end it between two events. What was written before is taken
 * for complete events: a program that writes one in parts does so in one go.
 */
export class EventStreamEnd {
  readonly #response: Writable
  readonly #tail = new StreamTail()
  #atBoundary: (() => void) | undefined

  /** `response`: of HTTP/1.1, or a stream of HTTP/2. */
  constructor(response: Writable) {
    this.#response = response
    const { write } = response
    response.write = ((...args: unknown[]) => {
      const result = Reflect.apply(write, response, args)
      this.#written(args)
      return result
    }) as Writable['write']
  }

  /** Ends the response when the current event is complete, `patience` milliseconds from now at the latest. */
  end(patience: number, ended: () => void): void {
    if (this.#response.writableEnded) return
    const timer = setTimeout(() => this.#atBoundary?.(), patience)
    this.#atBoundary = () => {
      clearTimeout(timer)
      this.#atBoundary = undefined
      endQuietly(this.#response)
      ended()
    }
    this.#response.once('close', () => clearTimeout(timer))
    if (this.#tail.isBetween || patience === 0) this.#atBoundary()
  }

  #written([chunk]: WriteArguments): void {
    this.#tail.written(chunk)
    if (this.#tail.isBetween) this.#atBoundary?.()
  }
}

/**
 * Ends a response that the program goes on writing to, until it hears 'close'. What it writes is dropped, as when a
 * client has left: Node would throw or emit an error, which ends the process.
 */
export function endQuietly(response: Writable & { writeHead?: unknown }, last?: string): void {
  response.end(last)
  if ('writeHead' in response) response.writeHead = () => response
  response.write = ((...args: unknown[]) => unwritten(args, false)) as Writable['write']
  response.end = ((...args: unknown[]) => unwritten(args, response)) as Writable['end']
}
