import { expect, it } from 'vitest'
import { OutgoingFrames } from './outgoing-frames.ts'

const HEAD = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'

/** A frame of a server with a payload of this length. */
function frame(length: number, masked = false): Buffer {
  const mask = masked ? 0x80 : 0
  const payload = Buffer.alloc(length + (masked ? 4 : 0), 0x88)
  if (length < 126) return Buffer.concat([Buffer.from([0x82, mask | length]), payload])
  const begin = Buffer.alloc(length < 65_536 ? 4 : 10)
  begin[0] = 0x82
  begin[1] = mask | (length < 65_536 ? 126 : 127)
  if (length < 65_536) begin.writeUInt16BE(length, 2)
  else begin.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([begin, payload])
}

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]

it.each(LENGTHS)('finds the end of a frame of %d bytes, however it is written', (length) => {
  for (const masked of [false, true]) {
    const bytes = Buffer.concat([Buffer.from(HEAD), frame(length, masked), frame(3)])
    const ends = [HEAD.length, HEAD.length + frame(length, masked).length, bytes.length]
    const near = ends.flatMap((end) => [end - 3, end - 2, end - 1, end, end + 1, end + 2, end + 3])
    for (const cut of near.filter((at) => at <= bytes.length)) {
      const frames = new OutgoingFrames()
      frames.written(bytes.subarray(0, cut))
      expect(frames.isBetween, `${cut} of ${ends}`).toBe(ends.includes(cut))
      frames.written(bytes.subarray(cut))
      expect(frames.isBetween).toBe(true)
    }
  }
})

it('finds it byte by byte', () => {
  const frames = new OutgoingFrames()
  const bytes = Buffer.concat([Buffer.from(HEAD), frame(300), frame(0)])
  const between = [...bytes].flatMap((byte, index) => {
    frames.written(Buffer.from([byte]))
    return frames.isBetween ? [index + 1] : []
  })
  expect(between).toEqual([HEAD.length, bytes.length - 2, bytes.length])
})

it.each([
  ['a refusal', 'HTTP/1.1 401 Unauthorized\r\n\r\n'],
  ['a head that does not end', 'x'.repeat(20_000)],
])('finds no frames after %s', (_, text) => {
  const frames = new OutgoingFrames()
  frames.written(Buffer.from(text))
  frames.written(frame(3))
  expect([frames.isKnown, frames.isBetween]).toEqual([false, false])
})
