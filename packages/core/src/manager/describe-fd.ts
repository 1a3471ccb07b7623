import { socketAddress } from '../match.ts'
import type { SocketFacts } from '../sockets/facts.ts'
import { loadLibc } from '../sockets/libc.ts'
import { nativeSystem } from '../sockets/native.ts'

export type { SocketFacts } from '../sockets/facts.ts'

/** What the kernel knows of a socket, and its address for humans; a string says why it is none. */
export function describeFd(fd: number): (SocketFacts & { text: string }) | string {
  const facts = nativeSystem(loadLibc()).describe(fd)
  return typeof facts === 'string' ? facts : { ...facts, text: socketAddress(facts) }
}
