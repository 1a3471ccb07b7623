import { socketAddress } from '../listen/candidate.ts'
import type { SocketFacts } from '../sockets/facts.ts'
import { loadLibc } from '../sockets/libc.ts'
import { nativeSystem } from '../sockets/native.ts'

/** Facts about a socket, with its address as text; or a string that says why it is not a socket. */
export function describeFd(fd: number): (SocketFacts & { text: string }) | string {
  const facts = nativeSystem(loadLibc()).describe(fd)
  return typeof facts === 'string' ? facts : { ...facts, text: socketAddress(facts) }
}
