import { textOf } from './written.ts'

/** The longest line that is kept until it is complete. No id is that long. */
const LONGEST_LINE = 1024

/** Follows the ids in an event stream (WHATWG HTML, 9.2.6), as latin1. */
export class LastEventId {
  value: string
  /** The current line as far as it was written. */
  #line = ''

  constructor(value: string) {
    this.value = value
  }

  written(...write: readonly unknown[]): void {
    const lines = (this.#line + textOf(write)).split(/\r\n|\n|\r/)
    this.#line = (lines.pop() ?? '').slice(0, LONGEST_LINE)
    for (const line of lines) {
      // A client ignores an id with NUL, and no header can have one.
      if (line.includes('\0')) continue
      if (line.startsWith('id:')) this.value = line.slice(3).replace(/^ /, '')
      else if (line === 'id') this.value = ''
    }
  }
}
