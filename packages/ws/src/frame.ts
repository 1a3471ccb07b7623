/** The first bytes of a frame of a client (RFC 6455, 5.2): all before the mask. */
export interface FrameHead {
  fin: boolean
  opcode: number
  /** RSV1 (RFC 7692, 6). @default false */
  compressed?: boolean
}

const FIN = 0x80
const RSV1 = 0x40
const MASKED = 0x80

/** The values of the length field with which the length follows in 2 bytes, or in 8. */
export const LENGTH_16 = 126
export const LENGTH_64 = 127

const LARGEST_16 = 0xffff

/** The first two bytes. `length` is the value of the length field. Pure. */
export const frameStart = (
  { fin, opcode, compressed = false }: FrameHead,
  length: number,
): Buffer => Buffer.from([(fin ? FIN : 0) | (compressed ? RSV1 : 0) | opcode, MASKED | length])

/** All bytes before the mask. Pure. */
export function frameHead(head: FrameHead, length: number): Buffer {
  if (length < LENGTH_16) return frameStart(head, length)
  const bytes = Buffer.alloc(length > LARGEST_16 ? 8 : 2)
  if (length <= LARGEST_16) bytes.writeUInt16BE(length)
  else bytes.writeBigUInt64BE(BigInt(length))
  return Buffer.concat([frameStart(head, length > LARGEST_16 ? LENGTH_64 : LENGTH_16), bytes])
}

// A client must mask its frames. A mask of zeros changes nothing.
const NO_MASK = Buffer.alloc(4)

/** A whole frame, as a client would send it. Pure. */
export const frame = (head: FrameHead, data: Uint8Array): Buffer =>
  Buffer.concat([frameHead(head, data.length), NO_MASK, data])
