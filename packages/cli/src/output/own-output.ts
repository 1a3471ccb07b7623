import { closeSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'

// What waits for a slow reader, for each of our two streams.
const MOST_WAITING = 1_048_576
// How long a reader may take nothing before output is dropped. Until then the processes wait.
const PATIENCE = 1_000

/** Our own stdout and stderr, for what the processes print and for what is said about them. */
export interface OwnOutputs {
  readonly stdout: OwnOutput
  readonly stderr: OwnOutput
  /**
   * To be called when everything else is over: ends the process, with its exit code, if a reader
   * has not taken what is left within a second.
   */
  end(): void
}

export function openOwnOutputs(): OwnOutputs {
  leaveTerminalsAtExit()
  const notice = (message: string): void => void stderr.write(`socket-port: ${message}\n`)
  const stderr = new OwnOutput(process.stderr, 'stderr', notice)
  const stdout = new OwnOutput(process.stdout, 'stdout', notice)
  return {
    ...{ stdout, stderr },
    end() {
      for (const output of [stdout, stderr]) if (output.waiting === 0) output.sumUp()
      const giveUp = (): void => {
        for (const output of [stdout, stderr]) output.sumUp(output.waiting)
        process.exit()
      }
      // What is still being written keeps the process alive, and nothing else does.
      setTimeout(giveUp, PATIENCE).unref()
    },
  }
}

/** The part of a stream of Node that is used here; `_handle` is that of a pipe or a terminal. */
type Stream = NodeJS.WritableStream & {
  readonly fd: number
  readonly writableLength: number
  readonly _handle?: Handle | null
}

interface Handle {
  readonly fd: number
  readonly writeQueueSize?: number
  setBlocking?(isBlocking: boolean): void
}

/**
 * One of our own streams, which never ends nor blocks this process. What cannot be written is
 * dropped and counted: a notice says so when it begins, and how much it was when writing works again.
 * A reader that is slow makes {@link write} ask its caller to wait; one that takes nothing for a
 * second loses what comes, until it reads again.
 */
export class OwnOutput {
  readonly #stream: Stream
  readonly #name: string
  readonly #notice: (message: string) => void
  #dropped = 0
  #droppingSince = 0
  /** The reader has taken nothing for too long. */
  #isStuck = false
  #room: Promise<void> | undefined
  #makeRoom = (): void => {}
  #timer: NodeJS.Timeout | undefined

  constructor(stream: Stream, name: string, notice: (message: string) => void) {
    this.#stream = stream
    this.#name = name
    this.#notice = notice
    // Each write says itself what became of it. To other commands an error here is a failure.
    stream.removeAllListeners('error')
    stream.on('error', () => {})
    const { fd, _handle: handle } = stream
    // Ctrl-S stops a terminal, and Node would wait in write(2) until Ctrl-Q. Where libuv could not
    // open the terminal anew (uv_tty_init), the flag would be that of the shell's as well.
    if (handle?.setBlocking !== undefined && handle.fd !== fd) handle.setBlocking(false)
  }

  /** Writes or drops it. A promise asks the caller to stop reading its source until it resolves. */
  write(text: Uint8Array | string): Promise<void> | undefined {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    const stream = this.#stream
    // A file: Node would take what a full disk has left room for as the whole.
    if (!(stream instanceof Socket)) return this.#settle(bytes.length, writeAll(stream.fd, bytes))
    const { writableLength } = stream
    // What does not wait, our own messages and the last words of processes, has a bound as well.
    if (writableLength >= (this.#isStuck ? MOST_WAITING : 2 * MOST_WAITING)) {
      return this.#drop(bytes.length, `nobody has read it for ${PATIENCE / 1000} s`)
    }
    stream.write(bytes, (error) => {
      this.#settle(bytes.length, error ?? undefined)
      if (stream.writableLength < MOST_WAITING) this.#goOn(false)
    })
    return stream.writableLength < MOST_WAITING || this.#isStuck ? undefined : this.#waitForRoom()
  }

  /** Bytes that its reader has not taken. */
  get waiting(): number {
    return this.#stream.writableLength
  }

  /** Says what has been dropped so far, and `more`. */
  sumUp(more = 0): void {
    const dropped = this.#dropped + more
    this.#dropped = 0
    if (dropped > 0)
      this.#notice(`warning: ${bytes(dropped)} dropped that ${this.#name} did not take`)
  }

  #settle(length: number, error: Error | undefined): undefined {
    if (error !== undefined) return this.#drop(length, error.message)
    // One that works now and then is told about once a second.
    if (this.#dropped === 0 || performance.now() - this.#droppingSince < PATIENCE) return undefined
    const dropped = this.#dropped
    this.#dropped = 0
    this.#notice(`${this.#name} can be written again; ${bytes(dropped)} dropped`)
    return undefined
  }

  #drop(length: number, reason: string): undefined {
    const isFirst = this.#dropped === 0
    this.#dropped += length
    if (!isFirst) return undefined
    this.#droppingSince = performance.now()
    this.#notice(
      `warning: ${this.#name} cannot be written (${reason}); output is dropped until it can be`,
    )
    return undefined
  }

  #waitForRoom(): Promise<void> {
    this.#room ??= new Promise((resolve) => {
      this.#makeRoom = resolve
      this.#watch(this.#queued)
    })
    return this.#room
  }

  // A callback comes when all of a write is done, which a slow reader may take long for.
  #watch(before: number): void {
    this.#timer = setTimeout(() => {
      const now = this.#queued
      if (now < before) this.#watch(now)
      else this.#goOn(true)
    }, PATIENCE)
  }

  #goOn(isStuck: boolean): void {
    this.#isStuck = isStuck
    clearTimeout(this.#timer)
    this.#room = undefined
    this.#makeRoom()
  }

  get #queued(): number {
    return this.#stream._handle?.writeQueueSize ?? this.#stream.writableLength
  }
}

/**
 * Node sets terminals back when it ends, and aborts where one has been closed (ResetStdio in
 * src/node.cc); a descriptor that is something else by then it leaves alone.
 */
function leaveTerminalsAtExit(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  process.once('exit', () => {
    for (const fd of terminals) {
      if (isatty(fd)) continue
      closeSync(fd)
      openSync('/dev/null', 'r+')
    }
  })
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
