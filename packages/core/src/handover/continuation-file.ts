import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { nodeCrypto, nodeV8 } from '../base/built-in.ts'
import type { SocketPortError } from '../base/errors.ts'
import type { StoredContinuation } from '../continue/stored.ts'
import { EINVAL, MFD_CLOEXEC, MFD_NOEXEC_SEAL } from '../sockets/constants.ts'
import type { Libc } from '../sockets/libc.ts'

// Heads of requests hold cookies and tokens. A process of the same user may open the file through /proc/PID/fd, while it
// may read a socket only if it may trace its owner (proc(5), pidfd_getfd(2)). So the file is encrypted, and the key
// goes through the socket. A key is used once, so the nonce may be constant.
const CIPHER = 'aes-256-gcm'
const NONCE = Buffer.alloc(12)
const KEY = 32
const TAG = 16

/** The largest file in bytes: room for 252 connections with the longest replay. */
const LARGEST = 2 ** 31 - 1

/** Writes what the next process needs of some connections into a file without a name. The caller closes it. */
export function writeContinuations(
  libc: Libc,
  continuations: readonly StoredContinuation[],
): { fd: number; key: string } {
  const { createCipheriv, randomBytes } = nodeCrypto()
  const key = randomBytes(KEY)
  const cipher = createCipheriv(CIPHER, key, NONCE)
  const parts = [
    cipher.update(nodeV8().serialize(continuations)),
    cipher.final(),
    cipher.getAuthTag(),
  ]
  const fd = createFile(libc)
  try {
    let at = 0
    const bytes = Buffer.concat(parts)
    while (at < bytes.length) at += writeSync(fd, bytes, at)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { fd, key: key.toString('base64') }
}

/** Reads what {@link writeContinuations} wrote. Throws if it is anything else. */
export function readContinuations(fd: number, key: string): StoredContinuation[] {
  const { size } = fstatSync(fd)
  if (size < TAG || size > LARGEST) throw new Error(`their file has ${size} bytes`)
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; ) {
    const read = readSync(fd, bytes, at, size - at, at)
    if (read === 0) throw new Error(`their file ends after ${at} of ${size} bytes`)
    at += read
  }
  const decipher = nodeCrypto().createDecipheriv(CIPHER, Buffer.from(key, 'base64'), NONCE)
  decipher.setAuthTag(bytes.subarray(-TAG))
  const text = Buffer.concat([decipher.update(bytes.subarray(0, -TAG)), decipher.final()])
  const continuations: unknown = nodeV8().deserialize(text)
  if (Array.isArray(continuations) && continuations.every(isContinuation)) return continuations
  throw new Error('their file has something else')
}

const isContinuation = (value: unknown): value is StoredContinuation => {
  const { kind, replay, framing, refusal, attachment } = (value ?? {}) as Record<string, unknown>
  return (
    typeof kind === 'string' &&
    typeof framing === 'string' &&
    replay instanceof Uint8Array &&
    refusal instanceof Uint8Array &&
    (attachment === undefined || attachment instanceof Uint8Array)
  )
}

function createFile(libc: Libc): number {
  try {
    // Hardened systems allow no file in memory that could be executed (sysctl vm.memfd_noexec).
    return libc.memfdCreate('socket-port', MFD_CLOEXEC | MFD_NOEXEC_SEAL)
  } catch (error) {
    // Before Linux 6.3.
    if ((error as SocketPortError).errno === EINVAL)
      return libc.memfdCreate('socket-port', MFD_CLOEXEC)
    throw error
  }
}
