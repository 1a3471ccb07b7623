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

/** The bytes that bring a new receiver into the same state. Pure. */
export function unreadOf(received: Received): Buffer {
  const { state, fin, opcode, buffers, compressed, fragmented, fragments } = received
  if (state === READS_INFO) return Buffer.concat([...framesBefore(received), ...buffers])
  if (opcode >= FIRST_CONTROL_OPCODE) {
    // A control frame may come between two frames of a message; `compressed` is about that message.
    return Buffer.concat([...framesBefore(received), ...currentFrame(received, { fin, opcode })])
  }
  // Empty frames before this one change nothing, so this one may be the first.
  if (fragments.length === 0) {
    return Buffer.concat(currentFrame(received, { fin, opcode, compressed }))
  }
  const continuation = { fin, opcode: fragmented === 0 ? opcode : CONTINUATION }
  return Buffer.concat([...framesBefore(received), ...currentFrame(received, continuation)])
}

/** The complete frames of a message, as one frame. If they are empty, it still has the kind of the message. */
function framesBefore({ fragmented, fragments }: Received): Buffer[] {
  return fragmented === 0
    ? []
    : [frame({ fin: false, opcode: fragmented }, Buffer.concat(fragments))]
}

/** The part of the current frame that has arrived. */
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
