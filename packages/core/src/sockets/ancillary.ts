import { littleEndian, SCM_CREDENTIALS, SCM_RIGHTS, SOL_SOCKET, WORD } from './constants.ts'

// struct cmsghdr: a size_t, then level and type; each message is padded to a size_t (cmsg(3)).
const HEADER = WORD + 8
const padded = (length: number): number => Math.ceil(length / WORD) * WORD

/** The most descriptors that one message carries: SCM_MAX_FD of unix(7). */
export const MOST_FDS = 253

/** Bytes for the control messages of one message that has `fds` descriptors and the sender's credentials. */
export const controlSize = (fds: number): number => padded(HEADER + 4 * fds) + padded(HEADER + 12)

/** What a message carries beside its bytes: descriptors, which this process must close, and the sender. */
export interface Ancillary {
  fds: number[]
  /** The sender's pid, where the receiving socket has SO_PASSCRED. */
  pid: number | undefined
}

/** The control message that passes descriptors (SCM_RIGHTS of unix(7)); empty for none; pure. */
export function passFds(fds: readonly number[]): Uint8Array {
  if (fds.length === 0) return new Uint8Array(0)
  const length = HEADER + 4 * fds.length
  const bytes = new Uint8Array(padded(length))
  const view = new DataView(bytes.buffer)
  view.setUint32(littleEndian ? 0 : WORD - 4, length, littleEndian)
  view.setInt32(WORD, SOL_SOCKET, littleEndian)
  view.setInt32(WORD + 4, SCM_RIGHTS, littleEndian)
  for (const [index, fd] of fds.entries()) view.setInt32(HEADER + 4 * index, fd, littleEndian)
  return bytes
}

/** Reads the control messages that recvmsg(2) filled in; pure. */
export function readAncillary(control: Uint8Array): Ancillary {
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength)
  const found: Ancillary = { fds: [], pid: undefined }
  for (let at = 0; at + HEADER <= control.length; ) {
    const length = view.getUint32(at + (littleEndian ? 0 : WORD - 4), littleEndian)
    const end = Math.min(at + length, control.length)
    const isSocket = view.getInt32(at + WORD, littleEndian) === SOL_SOCKET
    const type = view.getInt32(at + WORD + 4, littleEndian)
    if (isSocket && type === SCM_RIGHTS) {
      for (let fd = at + HEADER; fd + 4 <= end; fd += 4) {
        found.fds.push(view.getInt32(fd, littleEndian))
      }
    }
    // struct ucred: pid, uid, gid.
    if (isSocket && type === SCM_CREDENTIALS) found.pid = view.getInt32(at + HEADER, littleEndian)
    if (length < HEADER) break
    at += padded(length)
  }
  return found
}
