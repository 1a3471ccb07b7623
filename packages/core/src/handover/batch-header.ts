import { quote } from '../base/quote.ts'
import { keepAlivePromise } from './keep-alive-promise.ts'

// A receiver takes this version and these kinds, and refuses every other one. Another kind of connection gets a
// name of its own. A change that a receiver must know of gets another version. A key that a receiver may
// ignore is no change: unknown keys of a known version are ignored.
const VERSION = 1
const IDLE = 'idle-http'
const CONTINUED = 'continued'

/** For messages: what a receiver takes. */
export const KNOWN: string = `version ${VERSION}, kinds "${IDLE}" and "${CONTINUED}"`

/** What the header of a batch says about its connections. */
export type BatchHeader = IdleBatch | ContinuedBatch

/** Idle connections of a plain HTTP/1.1 server. */
export interface IdleBatch {
  kind: typeof IDLE
  /** How many connections the batch has. */
  connections: number
  /** The keep-alive promise of the server that accepted them, in milliseconds; 0: without end. */
  promise: number
}

/** Connections that the next process continues. The first descriptor is that of a file with what it needs of each. */
export interface ContinuedBatch {
  kind: typeof CONTINUED
  connections: number
  /** The key with which the file is encrypted: base64. */
  key: string
}

/**
 * The bytes of a header; pure. The receiver before version 1 took any object with a top-level `port`,
 * `address` and `promise` for idle HTTP. No header of this format has a `port`, so it refuses all of them.
 */
export function writeBatchHeader(header: BatchHeader): Uint8Array {
  const promise = header.kind === IDLE ? keepAlivePromise(header.promise) : undefined
  return Buffer.from(JSON.stringify({ version: VERSION, ...header, promise }))
}

/**
 * Reads what {@link writeBatchHeader} wrote. Returns a text that says what was seen instead, if the message
 * has another version, another kind, or no header at all. Pure.
 */
export function readBatchHeader(bytes: Uint8Array): BatchHeader | string {
  const header = parse(bytes)
  if (header === undefined) return 'no header'
  const { version, kind, connections, promise, key } = header
  if (version === undefined) return 'a header without a version'
  if (version !== VERSION || (kind !== IDLE && kind !== CONTINUED)) {
    return `version ${shown(version)}, kind ${shown(kind)}`
  }
  if (!isCount(connections)) return `${shown(connections)} as the number of connections`
  if (kind === CONTINUED) {
    return typeof key === 'string' ? { kind, connections, key } : 'no key for its file'
  }
  if (!isDuration(promise)) return `${shown(promise)} as the keep-alive promise`
  return { kind, connections, promise: keepAlivePromise(promise) }
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
