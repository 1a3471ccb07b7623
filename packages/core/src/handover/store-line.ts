import { closeSync } from 'node:fs'
import { notifier } from '../notify/notifier.ts'
import { sendNotification } from '../notify/send.ts'
import type { Libc } from '../sockets/libc.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { PARCEL_NAME } from '../store-name.ts'
import { successorRuns } from '../successor.ts'
import type { Logger } from '../types.ts'
import { closeEnd, openBellLine, sendAndRing } from './bell-line.ts'
import { openLine, type Sent, sendThrough } from './line.ts'

// A manager answers at once. The drain must not wait longer for one that does not.
const PATIENCE = 500

/** The sending end of a queue. The manager keeps the other end for the next process, or that process has it. */
export interface KeptLine {
  send(bytes: Uint8Array, fds?: readonly number[]): Sent
}

/**
 * Opens a queue and puts its far end into the manager's fd store. Returns `undefined` if there is no store,
 * or it is full. Then nothing was handed over, and nothing is lost.
 *
 * The connections themselves never go through the manager, which compares each new descriptor with all that
 * it stores. They wait in the queue, which is one entry of the store for thousands of connections.
 */
export async function openStoreLine(logger: Logger): Promise<KeptLine | undefined> {
  const libc = usableLibc()
  // A next process that already runs must be woken; one that starts later finds the queue.
  const { line, far, close } = successorRuns() ? ringing(libc) : silent(libc)
  const sent = sendNotification({ FDSTORE: 1, FDNAME: PARCEL_NAME }, far, logger)
  const read = sent && (await notifier().barrier(PATIENCE))
  far.forEach(closeSync)
  // A manager does not report what it did not store. But then the queue has no other end, and a send fails.
  if (read && line.send(HELLO) === 'sent') return line
  close()
  return undefined
}

interface Opened {
  line: KeptLine
  /** The descriptors of the far end. */
  far: number[]
  close(): void
}

function silent(libc: Libc): Opened {
  const { near, far } = openLine(libc)
  return {
    line: { send: (bytes, fds) => sendThrough(libc, near, bytes, fds) },
    far: [far],
    close: () => closeSync(near),
  }
}

function ringing(libc: Libc): Opened {
  const { near, far } = openBellLine(libc)
  return {
    line: { send: (bytes, fds) => sendAndRing(libc, near, bytes, fds) },
    far: [far.socket, far.bell],
    close: () => closeEnd(near),
  }
}

const HELLO = Buffer.from(`socket-port ${process.pid}`)
