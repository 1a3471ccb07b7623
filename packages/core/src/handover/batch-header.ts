import { quote } from '../base/quote.ts'
import { promiseOf } from './keep-alive-promise.ts'

// A receiver takes this version and this kind, and refuses every other one. Another kind of connection gets a
// name of its own. A change that a receiver must know of gets another version. A key that a receiver may
// ignore is no change: unknown keys of a known version are ignored.
const VERSION = 1
const KIND = 'idle-http'

/** For messages: what a receiver takes. */
export const KNOWN: string = `version ${VERSION}, kind "${KIND}"`

/** What the header of a batch says about its connections: idle connections of a plain HTTP/1.1 server. */
export interface BatchHeader {
  /** How many connections the batch has. */
  connections: number
  /** The keep-alive promise of the server that accepted them, in milliseconds; 0: without end. */
  promise: number
}

/**
 * The bytes of a header; pure. The receiver before version 1 took any object with a top-level `port`,
 * `address` and `promise` for idle HTTP. No header of this format has a `port`, so it refuses all of them.
 */
export const writeBatchHeader = ({ connections, promise }: BatchHeader): Uint8Array =>
  Buffer.from(
    JSON.stringify({ version: VERSION, kind: KIND, connections, promise: promiseOf(promise) }),
  )

/**
 * Reads what {@link writeBatchHeader} wrote. Returns a text that says what was seen instead, if the message
 * has another version, another kind, or no header at all. Pure.
 */
export function readBatchHeader(bytes: Uint8Array): BatchHeader | string {
  const header = parse(bytes)
  if (header === undefined) return 'no header'
  const { version, kind, connections, promise } = header
  if (version === undefined) return 'a header without a version'
  if (version !== VERSION || kind !== KIND) return `version ${shown(version)}, kind ${shown(kind)}`
  if (!isCount(connections)) return `${shown(connections)} as the number of connections`
  if (!isDuration(promise)) return `${shown(promise)} as the keep-alive promise`
  return { connections, promise: promiseOf(promise) }
}

function parse(bytes: Uint8Array): Partial<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    return undefined
  }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0

const isDuration = (value: unknown): value is number => typeof value === 'number' && value >= 0

// The sender may be any program, so its text is quoted.
const shown = (value: unknown): string =>
  typeof value === 'number' ? String(value) : quote(text(value))

const text = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')
