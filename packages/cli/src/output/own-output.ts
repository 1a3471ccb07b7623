import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { doNotBlock, type OutputStream, queuedBytes } from '@socket-port/core/supervisor'
import type { Level } from '../base/level.ts'

// How many bytes may wait for a slow reader, for each of the two streams.
const MOST_WAITING = 1_048_576
// Milliseconds. How long a reader may read nothing before output is dropped. Until then the processes wait.
export const STUCK_AFTER = 1_000

/**
 * Writes to stdout or stderr of this process, so that a failing or slow stream neither ends nor blocks the process. Output
 * that cannot be written is dropped and counted. One notice reports the first drop, and another one reports the number of
 * bytes when writing works again. If the reader is slow, {@link write} asks its caller to wait. A reader that reads nothing
 * for a second loses output until it reads again.
 */
export class OwnOutput {
  readonly #stream: OutputStream
  readonly #name: string
  readonly #notice: (message: string, level: Level) => void
  #dropped = 0
  #droppingSince = 0
  /** The reader has read nothing for too long. */
  #isStuck = false
  #room: Promise<void> | undefined
  #makeRoom = (): void => {}
  #timer: NodeJS.Timeout | undefined

  constructor(stream: OutputStream, name: string, notice: (message: string, level: Level) => void) {
    this.#stream = stream
    this.#name = name
    this.#notice = notice
    // Other commands fail when the stream does. Here the callback of each write reports the error.
    stream.removeAllListeners('error')
    stream.on('error', () => {})
    doNotBlock(stream)
  }

  /** Writes the text, or drops it. When a promise is returned, the caller must not read its source until it resolves. */
  write(text: Uint8Array | string): Promise<void> | undefined {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    const stream = this.#stream
    // Write to a file with writeSync: when the disk is full, the stream of Node takes a partial write for a complete one.
    if (!(stream instanceof Socket)) return this.#settle(bytes.length, writeAll(stream.fd, bytes))
    const { writableLength } = stream
    // Reports and the last output of processes do not wait, so they have a limit too.
    if (writableLength >= (this.#isStuck ? MOST_WAITING : 2 * MOST_WAITING)) {
      return this.#drop(bytes.length, `its reader has read nothing for ${STUCK_AFTER / 1000} s`)
    }
    stream.write(bytes, (error) => {
      this.#settle(bytes.length, error ?? undefined)
      if (stream.writableLength < MOST_WAITING) this.#goOn(false)
    })
    return stream.writableLength < MOST_WAITING || this.#isStuck ? undefined : this.#waitForRoom()
  }

  /** Bytes that the reader has not read. */
  get waiting(): number {
    return this.#stream.writableLength
  }

  /** Reports how many bytes were dropped, with `more` added. */
  sumUp(more = 0): void {
    const dropped = this.#dropped + more
    this.#dropped = 0
    if (dropped > 0)
      this.#notice(`${bytes(dropped)} dropped because ${this.#name} could not be written`, 'warn')
  }

  #settle(length: number, error: Error | undefined): undefined {
    if (error !== undefined) return this.#drop(length, error.message)
    // A stream that works now and then is reported at most once a second.
    if (this.#dropped === 0 || performance.now() - this.#droppingSince < STUCK_AFTER)
      return undefined
    const dropped = this.#dropped
    this.#dropped = 0
    this.#notice(`${this.#name} can be written again; ${bytes(dropped)} dropped`, 'info')
    return undefined
  }

  #drop(length: number, reason: string): undefined {
    const isFirst = this.#dropped === 0
    this.#dropped += length
    if (!isFirst) return undefined
    this.#droppingSince = performance.now()
    this.#notice(
      `${this.#name} cannot be written (${reason}); output is dropped until writing works again`,
      'warn',
    )
    return undefined
  }

  #waitForRoom(): Promise<void> {
    this.#room ??= new Promise((resolve) => {
      this.#makeRoom = resolve
      this.#watch(queuedBytes(this.#stream))
    })
    return this.#room
  }

  // Looks at the socket: the callback of a write is called only when all of it is written, which takes long with a slow reader.
  #watch(before: number): void {
    this.#timer = setTimeout(() => {
      const now = queuedBytes(this.#stream)
      if (now < before) this.#watch(now)
      else this.#goOn(true)
    }, STUCK_AFTER)
  }

  #goOn(isStuck: boolean): void {
    this.#isStuck = isStuck
    clearTimeout(this.#timer)
    this.#room = undefined
    this.#makeRoom()
  }
}

function writeAll(fd: number, bytes: Uint8Array): Error | undefined {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    return undefined
  } catch (error) {
    return error as Error
  }
}

const bytes = (count: number): string =>
  count === 1 ? '1 byte of output was' : `${count} bytes of output were`
