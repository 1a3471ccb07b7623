import { closeSync } from 'node:fs'
import { counted } from '../base/counted.ts'
import { readBatchHeader } from './batch-header.ts'
import { readContinuations } from './continuation-file.ts'
import { LONGEST_HEADER, type QueueMessage } from './fd-queue.ts'
import type { Batch } from './waiting-connections.ts'

/**
 * The connections of a message, or a text that says what was seen instead. The caller owns the descriptors in both
 * cases; that of the file with what continued connections need was closed and taken out of `fds`, if it could be read.
 */
export function readBatch({ bytes, fds, bytesCut, fdsCut }: QueueMessage): Batch | string {
  if (bytesCut) return `a header of more than ${LONGEST_HEADER} bytes`
  const header = readBatchHeader(bytes)
  if (typeof header === 'string') return header
  const files = header.kind === 'continued' ? 1 : 0
  const { connections } = header
  const received = fds.slice(files)
  // The kernel has closed the last ones where this process may not have so many files open.
  const complete = fdsCut ? received.length < connections : received.length === connections
  if (!complete) return `${received.length} descriptors for ${counted(connections, 'connection')}`
  if (header.kind === 'idle-http') {
    return { promise: header.promise, connections: received.map((fd) => ({ fd })) }
  }
  const [file] = fds
  try {
    if (file === undefined) return 'no file with what they need'
    const continuations = readContinuations(file, header.key)
    closeSync(file)
    fds.shift()
    return {
      promise: 0,
      connections: received.map((fd, at) => ({ fd, continuation: continuations[at] })),
    }
  } catch (error) {
    return (error as Error).message
  }
}
