import { type BigIntStats, closeSync, constants, fstatSync } from 'node:fs'
import { describeFd } from '@socket-port/core/supervisor'

export interface Stored {
  name: string
  fd: number
  file: BigIntStats
  /** A listening socket is passed to every worker, any other descriptor to the first one. */
  listening: boolean
}

// The names that sd_pid_notify_with_fds(3) allows in FDNAME, and the name that replaces any other.
const NAME = /^[\x20-\x39\x3b-\x7e]{1,255}$/
const NAMELESS = 'stored'

/** Descriptors that processes store here for the next processes (FDSTORE=1). */
export class FdStore {
  /** The most descriptors that are stored. */
  static readonly size: number = 1024
  #stored: Stored[] = []

  get all(): readonly Stored[] {
    return this.#stored
  }

  /** Stores the descriptors of a notification. Closes those of kept sockets (`kept` has their inodes), which every process gets anyway. */
  add(name: string | undefined, fds: readonly number[], kept: ReadonlySet<bigint>): void {
    for (const fd of fds) {
      const file = fstatSync(fd, { bigint: true })
      const isKept = file.isSocket() && kept.has(file.ino)
      const isKnown = isKept || this.#stored.some((one) => isSameFile(one.file, file))
      if (isKnown || this.#stored.length >= FdStore.size) {
        closeSync(fd)
        continue
      }
      const facts = describeFd(fd)
      const listening = typeof facts !== 'string' && facts.listening
      const valid = name !== undefined && NAME.test(name) ? name : NAMELESS
      this.#stored.push({ name: valid, fd, file, listening })
    }
  }

  /** Closes every descriptor that is stored under the name (FDSTOREREMOVE=1). */
  remove(name: string): void {
    this.#close((stored) => stored.name === name)
  }

  close(): void {
    this.#close(() => true)
  }

  /** The descriptors for worker `number` of a new generation. */
  for(number: number): readonly Stored[] {
    return this.#stored.filter(({ listening }) => listening || number === 1)
  }

  #close(which: (stored: Stored) => boolean): void {
    for (const stored of this.#stored.filter(which)) closeSync(stored.fd)
    this.#stored = this.#stored.filter((stored) => !which(stored))
  }
}

// An eventfd, an epoll instance and others share one inode, and have no type of file: they cannot be compared.
const isSameFile = (a: BigIntStats, b: BigIntStats): boolean =>
  a.dev === b.dev && a.ino === b.ino && (a.mode & BigInt(constants.S_IFMT)) !== 0n
