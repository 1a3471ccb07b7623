/** A writable stream with a descriptor, such as `process.stdout`. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly fd: number
  readonly writableLength: number
}

// What Node has below a stream that is a pipe or a terminal (lib/net.js, lib/tty.js). A file has none.
interface StreamHandle {
  readonly fd: number
  readonly writeQueueSize?: number
  setBlocking?(isBlocking: boolean): void
}

const handleOf = (stream: OutputStream): StreamHandle | undefined =>
  (stream as { _handle?: StreamHandle | null })._handle ?? undefined

/**
 * Returns how many bytes the reader of a stream has not taken. It gets smaller with each read;
 * `writableLength` only when the reader has taken a whole chunk.
 */
export const queuedBytes = (stream: OutputStream): number =>
  handleOf(stream)?.writeQueueSize ?? stream.writableLength

/**
 * Lets writes to a terminal return at once: Ctrl-S stops a terminal, and Node would wait in write(2) until
 * Ctrl-Q. Does nothing for other streams, nor where libuv could not open the terminal again (uv_tty_init):
 * then the shell shares the descriptor, so the flag must not change.
 */
export function doNotBlock(stream: OutputStream): void {
  const handle = handleOf(stream)
  if (handle?.setBlocking !== undefined && handle.fd !== stream.fd) handle.setBlocking(false)
}
