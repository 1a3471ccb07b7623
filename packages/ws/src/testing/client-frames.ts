import { deflateRawSync, constants as zlib } from 'node:zlib'
import { type FrameHead, frameHead } from '../frame.ts'

export const CONTINUATION = 0
export const TEXT = 1
export const BINARY = 2
export const PING = 9

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

/** A frame of a client, with a mask that is not zero. */
export function clientFrame(head: FrameHead, data: Uint8Array | string): Buffer {
  const plain = Buffer.from(data)
  const masked = plain.map((byte, at) => byte ^ (MASK[at % 4] ?? 0))
  return Buffer.concat([frameHead(head, plain.length), MASK, masked])
}

export const clientMessage = (text: string): Buffer =>
  clientFrame({ fin: true, opcode: TEXT }, text)

/** As permessage-deflate compresses a message (RFC 7692, 7.2.1), each by itself. */
export function deflated(text: string): Buffer {
  const bytes = deflateRawSync(text, { finishFlush: zlib.Z_SYNC_FLUSH })
  return bytes.subarray(0, -4)
}
