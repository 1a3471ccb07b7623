/** The arguments of a call of `write` or `end`. */
export type WriteArguments = readonly unknown[]

/** The bytes that a call of `write` is given. */
export function bytesOf([chunk, encoding]: WriteArguments): Buffer {
  if (chunk instanceof Uint8Array)
    return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (typeof chunk !== 'string') return Buffer.alloc(0)
  return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
}

/** The bytes that a call of `write` is given, as text in which each character is a byte (latin1). */
export const textOf = (args: WriteArguments): string => bytesOf(args).toString('latin1')

/** The callback that a call of `write` or `end` is given. */
export const callbackOf = (args: WriteArguments): (() => void) | undefined =>
  args.find((argument) => typeof argument === 'function') as (() => void) | undefined

/**
 * Answers a call of `write` or `end` whose bytes are not written: calls its callback, as Node does, and returns
 * `result`.
 */
export function unwritten<T>(args: WriteArguments, result: T): T {
  const callback = callbackOf(args)
  if (callback !== undefined) process.nextTick(callback)
  return result
}
