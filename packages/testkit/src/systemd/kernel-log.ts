import { execFileSync } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'

/** The log that systemd writes to /dev/kmsg of the box, which is a FIFO. */
export class KernelLog {
  text = ''
  readonly #stream: Socket

  constructor(fifo: string) {
    execFileSync('mkfifo', [fifo])
    // Open it for writing too: without another writer, the stream would end when systemd reopens the FIFO.
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    this.#stream = new Socket({ fd, readable: true, writable: false }).setEncoding('utf8').unref()
    this.#stream.on('data', (chunk: string) => {
      this.text += chunk.replace(/^<\d+>/gm, '')
    })
  }

  /** Resolves once the log holds `words`. */
  holds(words: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.text.includes(words)) return
        this.#stream.off('data', look)
        resolve()
      }
      this.#stream.on('data', look)
      look()
    })
  }

  close(): void {
    this.#stream.destroy()
  }
}
