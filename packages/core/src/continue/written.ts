/** The bytes that a call of `write` is given, as latin1. */
export function textOf([chunk, encoding]: readonly unknown[]): string {
  if (typeof chunk === 'string') {
    const from = typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'
    return Buffer.from(chunk, from).toString('latin1')
  }
  return chunk instanceof Uint8Array
    ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    : ''
}
