/** What a message with connections says of them. */
export interface Label {
  /** Where the server that accepted them listened. */
  port: number
  address: string
  /** Milliseconds for which that server had promised to keep them; 0 for ever. */
  promise: number
}

// The longest time that a timer of Node counts.
const LONGEST = 2 ** 31 - 1

/** A time-out as a promise: 0, for ever, where Node has no timer that is as long; pure. */
export const promiseOf = (milliseconds: number | null | undefined): number =>
  milliseconds && milliseconds > 0 && milliseconds <= LONGEST ? milliseconds : 0

/** Its bytes; pure. A message without descriptors may be anything else. */
export const writeLabel = ({ port, address, promise }: Label): Uint8Array =>
  Buffer.from(JSON.stringify({ port, address, promise: promiseOf(promise) }))

/** Reads what {@link writeLabel} wrote, also of another version; `undefined` for anything else; pure. */
export function readLabel(bytes: Uint8Array): Label | undefined {
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
