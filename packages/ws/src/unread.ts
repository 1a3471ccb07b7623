import { type FrameHead, frame, frameHead, frameStart, LENGTH_16, LENGTH_64 } from './frame.ts'
import {
  READS_DATA,
  READS_INFO,
  READS_LENGTH_16,
  READS_LENGTH_64,
  type Received,
} from './internals.ts'

const CONTINUATION = 0
const FIRST_CONTROL_OPCODE = 8

/** The bytes that bring a new receiver to where this one is. Pure. */
export function unreadOf(received: Received): Buffer {
  const { state, fin, opcode, buffers, compressed, fragmented, fragments } = received
  if (state === READS_INFO) return Buffer.concat([...framesBefore(received), ...buffers])
  if (opcode >= FIRST_CONTROL_OPCODE) {
    // It may stand between two frames of a message, whose compression `compressed` is.
    return Buffer.concat([...framesBefore(received), ...currentFrame(received, { fin, opcode })])
  }
  // Empty frames before this one change nothing, so this one may be the first.
  if (fragments.length === 0) {
    return Buffer.concat(currentFrame(received, { fin, opcode, compressed }))
  }
  const continuation = { fin, opcode: fragmented === 0 ? opcode : CONTINUATION }
  return Buffer.concat([...framesBefore(received), ...currentFrame(received, continuation)])
}

/** The frames of a message that are complete, as one; an empty one still says what kind of message it is. */
function framesBefore({ fragmented, fragments }: Received): Buffer[] {
  return fragmented === 0
    ? []
    : [frame({ fin: false, opcode: fragmented }, Buffer.concat(fragments))]
}

/** What has come of the frame that is being read. */
function currentFrame(
  { state, payloadLength, mask, buffers }: Received,
  head: FrameHead,
): Uint8Array[] {
  if (state === READS_LENGTH_16) return [frameStart(head, LENGTH_16), ...buffers]
  if (state === READS_LENGTH_64) return [frameStart(head, LENGTH_64), ...buffers]
  const start = frameHead(head, payloadLength)
  return state === READS_DATA && mask !== undefined
    ? [start, mask, ...buffers]
    : [start, ...buffers]
}
