import { encodeAttachment } from './attachment-bytes.ts'
import type { Continuation } from './continuable.ts'
import { framingOf } from './response-head.ts'

/** A continuation on its way to the next process. */
export interface StoredContinuation extends Pick<Continuation, 'kind' | 'replay' | 'refusal'> {
  /** `framingOf` the head of the response. The rest of the head is not stored, because it may hold secrets. */
  readonly framing: string
  /**
   * Encoded on its own (`encodeAttachment`): a next process that cannot decode one attachment must still read the
   * others.
   */
  readonly attachment: Uint8Array | undefined
}

/** The longest replay in bytes. It holds the part of a message that has come already. */
const LONGEST_REPLAY = 8 * 1024 * 1024

/** Returns a string if the continuation is too long or cannot be copied: why. */
export function toStored(continuation: Continuation): StoredContinuation | string {
  const { kind, replay, refusal, responseHead, attachment } = continuation
  if (replay.length > LONGEST_REPLAY) {
    return `more than ${LONGEST_REPLAY / 1024 / 1024} MiB of a message have come`
  }
  const encoded = attachment === undefined ? undefined : encodeAttachment(attachment)
  if (typeof encoded === 'string') return encoded
  return { kind, replay, refusal, framing: framingOf(responseHead), attachment: encoded }
}
