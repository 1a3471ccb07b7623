/** What can be known of a descriptor without using it. */
export interface SocketFacts {
  family: 'IPv4' | 'IPv6' | 'unix' | undefined
  stream: boolean
  listening: boolean
  address: string | undefined
  port: number | undefined
  path: string | undefined
  ipv6Only: boolean | undefined
  backlog: number | undefined
  queueLength: number | undefined
}

/** Of what is no socket that can be asked. */
export const NO_FACTS: SocketFacts = {
  family: undefined,
  stream: false,
  listening: false,
  address: undefined,
  port: undefined,
  path: undefined,
  ipv6Only: undefined,
  backlog: undefined,
  queueLength: undefined,
}

/** The seam to the operating system: everything done to an inherited socket but serving it. */
export interface SocketSystem {
  /** Facts of the descriptor; a string says why it is no socket at all. Never changes it. */
  describe(fd: number): SocketFacts | string
  /** A close-on-exec duplicate; `undefined` where the platform gives no way to make one. */
  duplicate(fd: number): number | undefined
  setCloseOnExec(fd: number): void
  /** Lets nobody connect any more, whoever else holds the socket; nothing where there is no way to. */
  shutDown(fd: number): void
  /** Inode of this process's pidfd, where the kernel has unique ones. */
  pidfdInode(): bigint | undefined
}

/** Why a socket with these facts cannot be served; `undefined` when it can. */
export function problemOf(facts: SocketFacts): string | undefined {
  if (facts.family === undefined) return 'is a socket, but neither TCP nor a unix socket'
  if (!facts.stream) return 'is a datagram socket, not a stream socket'
  if (!facts.listening) return 'is a stream socket that does not listen'
  return undefined
}
