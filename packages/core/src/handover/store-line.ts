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

// A manager answers at once; one that does not is no reason to drain later.
const PATIENCE = 500

/** The near end of a line whose far end somebody keeps for the successor, or the successor has. */
export interface KeptLine {
  send(bytes: Uint8Array, fds?: readonly number[]): Sent
}

/**
 * Puts the far end of a new line into the store of the manager, who listens; `undefined` where there
 * is no store, or it is full: then nothing has been handed over, and nothing is lost.
 *
 * The connections themselves never go through the manager, which would look through all that it
 * has for each: they wait in the line, thousands of them as one entry of the store.
 */
export async function openStoreLine(logger: Logger): Promise<KeptLine | undefined> {
  const libc = usableLibc()
  // A successor that runs must be told that something waits; one that does not finds it.
  const { line, far, close } = successorRuns() ? ringing(libc) : silent(libc)
  const sent = sendNotification({ FDSTORE: 1, FDNAME: PARCEL_NAME }, far, logger)
  const read = sent && (await notifier().barrier(PATIENCE))
  far.forEach(closeSync)
  // A manager says nothing of what it does not store; but then the line has no other end.
  if (read && line.send(HELLO) === 'sent') return line
  close()
  return undefined
}

interface Opened {
  line: KeptLine
  /** Descriptors of the far end. */
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
