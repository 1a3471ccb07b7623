import { quote } from '../base/quote.ts'
import { LONGEST_UNIX_PATH } from '../sockets/constants.ts'

/** The address that the manager receives notifications on: one of the forms of NOTIFY_SOCKET in sd_notify(3). */
export type NotifyAddress =
  | {
      kind: 'unix'
      /** An abstract name starts with NUL. */
      path: string
    }
  | {
      kind: 'vsock'
      cid: number
      port: number
      /** `undefined`: the first that the kernel supports, datagrams first (sd_notify(3)). */
      type: 'dgram' | 'seqpacket' | 'stream' | undefined
    }

// VMADDR_CID_ANY and VMADDR_PORT_ANY of vsock(7) are wildcards: they address no peer.
const ANY = 2 ** 32 - 1

const VSOCK = /^vsock(?:-(dgram|seqpacket|stream))?:(\d{1,10}):(\d{1,10})$/

/** The address as NOTIFY_SOCKET has it; pure. */
export function formatNotifyAddress(address: NotifyAddress): string {
  if (address.kind === 'unix') return address.path.replace(/^\0/, '@')
  const { cid, port, type } = address
  return `vsock${type === undefined ? '' : `-${type}`}:${cid}:${port}`
}

/** Parses NOTIFY_SOCKET. Returns a string that names the problem where it is not an address. Pure. */
export function parseNotifyAddress(text: string): NotifyAddress | string {
  const vsock = VSOCK.exec(text)
  if (vsock !== null) {
    const [, type, cid, port] = vsock
    if (Number(cid) < ANY && Number(port) < ANY) {
      return {
        kind: 'vsock',
        cid: Number(cid),
        port: Number(port),
        type: type as 'dgram' | 'seqpacket' | 'stream' | undefined,
      }
    }
  }
  const isPath = text.startsWith('/') && text.length > 1
  const isAbstract = text.startsWith('@') && text.length > 1
  if (vsock !== null || (!isPath && !isAbstract) || text.includes('\0')) {
    return `NOTIFY_SOCKET is ${quote(text)}, which is not an absolute path, an abstract @name or vsock:CID:PORT`
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > LONGEST_UNIX_PATH) {
    return (
      `NOTIFY_SOCKET is ${quote(text)}, ${bytes} bytes long; the path of a unix socket has at most ` +
      `${LONGEST_UNIX_PATH}`
    )
  }
  return { kind: 'unix', path: isAbstract ? `\0${text.slice(1)}` : text }
}
