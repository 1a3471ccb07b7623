/** Facts about a descriptor that can be found without using it. */
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

/** Facts for a descriptor that cannot be queried. */
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

/** The seam to the operating system: everything that is done to an inherited socket, except to serve it. */
export interface SocketSystem {
  /** Facts about the descriptor, or a string that says why it is not a socket. Never changes it. */
  describe(fd: number): SocketFacts | string
  /** A close-on-exec duplicate; `undefined` where the platform gives no way to make one. */
  duplicate(fd: number): number | undefined
  setCloseOnExec(fd: number): void
  /** Stops the socket from listening in every process that holds it. Does nothing where that is not possible. */
  shutDown(fd: number): void
  /** The inode of this process's pidfd, where the kernel numbers them uniquely (Linux 6.9). */
  pidfdInode(): bigint | undefined
}

/** Why a socket with these facts cannot be served; `undefined` when it can. */
export function problemOf(facts: SocketFacts): string | undefined {
  if (facts.family === undefined) return 'is a socket, but neither TCP nor a unix socket'
  if (!facts.stream) return 'is a datagram socket, not a stream socket'
  if (!facts.listening) return 'is a stream socket that does not listen'
  return undefined
}
