/** What a batch of connections says about them. */
export interface BatchHeader {
  /** The port of the server that accepted them. */
  port: number
  address: string
  /** Milliseconds for which that server promised to keep them; 0: without end. */
  promise: number
}

// The longest delay of a timer in Node.
const LONGEST = 2 ** 31 - 1

/** A time-out as a promise; 0 (without end) if no timer of Node is that long. Pure. */
export const promiseOf = (milliseconds: number | null | undefined): number =>
  milliseconds && milliseconds > 0 && milliseconds <= LONGEST ? milliseconds : 0

/** Its bytes; pure. A message without descriptors may be anything else. */
export const writeBatchHeader = ({ port, address, promise }: BatchHeader): Uint8Array =>
  Buffer.from(JSON.stringify({ port, address, promise: promiseOf(promise) }))

/** Reads what {@link writeBatchHeader} wrote, also of another version; `undefined` for anything else; pure. */
export function readBatchHeader(bytes: Uint8Array): BatchHeader | undefined {
  try {
    const { port, address, promise } = JSON.parse(Buffer.from(bytes).toString())
    // null is what JSON makes of Infinity, which earlier versions wrote.
    const promised = promise === null || promise >= 0
    const right = Number.isInteger(port) && typeof address === 'string' && promised
    return right ? { port, address, promise: promiseOf(promise) } : undefined
  } catch {
    return undefined
  }
}
