import { OwnOutput } from './own-output.ts'

const NEWLINE = 0x0a
// Goes to the start of the line, and erases it (ECMA-48, EL).
const ERASE = '\r\u001b[K'
const NARROW = 80

/** A terminal whose last line can be rewritten. All other output appears above that line. */
export class TerminalOutput extends OwnOutput {
  /** The last line; `undefined` for none. */
  #line: string | undefined
  /** The terminal shows the last line now. */
  #isDrawn = false
  /** The output that was written last has ended its line. */
  #isAtStart = true

  override write(text: Uint8Array | string): Promise<void> | undefined {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    const erase = this.#isDrawn ? ERASE : ''
    if (bytes.length > 0) this.#isAtStart = bytes.at(-1) === NEWLINE
    const line = (this.#isAtStart && this.#line) || ''
    this.#isDrawn = line !== ''
    if (erase === '' && line === '') return super.write(bytes)
    return super.write(Buffer.concat([Buffer.from(erase), bytes, Buffer.from(line)]))
  }

  /** Shows this as the last line, in place of the one before; `undefined` removes it. */
  rewrite(line: string | undefined): void {
    // A line that fills the terminal continues in the next one, which is not erased.
    this.#line = line?.slice(0, (process.stderr.columns || NARROW) - 1)
    this.write('')
  }
}
