// A blank line ends an event. A line ends with LF, CR or both (WHATWG HTML, 9.2.5).
// A blank line at the very start ends no event, but no event has begun either: NestJS writes one after the head.
const BLANK_LINE = /(\n\n|\r\r|\n\r\n)$|^(\r\n?|\n)$/
const LONGEST_BLANK_LINE = 3

/** The last bytes of an event stream, which tell whether an event is complete. */
export class StreamTail {
  #tail = ''

  /** Whether nothing was written yet, or an event has just been completed. */
  get isBetween(): boolean {
    return this.#tail === '' || BLANK_LINE.test(this.#tail)
  }

  written(chunk: unknown): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const end =
      typeof chunk === 'string'
        ? chunk.slice(-LONGEST_BLANK_LINE)
        : Buffer.from(chunk.subarray(-LONGEST_BLANK_LINE)).toString('latin1')
    this.#tail = (this.#tail + end).slice(-LONGEST_BLANK_LINE)
  }
}
