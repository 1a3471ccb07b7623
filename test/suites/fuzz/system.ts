import { SocketPortError } from '../../../packages/core/src/base/errors.ts'
import {
  problemOf,
  type SocketFacts,
  type SocketSystem,
} from '../../../packages/core/src/sockets/facts.ts'
import type { Chance } from './cases.ts'

/** The inode of the process in the fake system. */
export const INODE: bigint = 5_000_000_001n

/** An operating system of open descriptors, which records what is done to them. */
export class FakeSystem implements SocketSystem {
  readonly #found = new Map<number, SocketFacts | string>()
  readonly #chance: Chance
  readonly #duplicates: 'made' | 'impossible'
  #next = 10_000
  readonly described: number[] = []
  readonly changed: number[] = []
  /** Duplicates that were made, and of what. */
  readonly made: Map<number, number> = new Map()

  constructor(chance: Chance, most: number) {
    this.#chance = chance
    this.#duplicates = chance.weigh({ made: 80, impossible: 20 })
    for (let fd = 0; fd < 3 + most + 4; fd += 1) {
      if (fd < 3 || chance.number(10) > 0) this.#found.set(fd, anyFacts(chance))
    }
  }

  /** What is open, as /proc lists it. */
  get open(): number[] {
    return [...this.#found.keys()]
  }

  isUsable(fd: number): boolean {
    const found = this.#found.get(fd)
    return typeof found === 'object' && problemOf(found) === undefined
  }

  shutDown(fd: number): void {
    this.changed.push(fd)
  }

  describe(fd: number): SocketFacts | string {
    this.described.push(fd)
    return this.#found.get(fd) ?? 'is not open'
  }

  duplicate(fd: number): number | undefined {
    this.changed.push(fd)
    if (this.#duplicates === 'impossible') return undefined
    if (this.#chance.number(30) === 0) {
      throw new SocketPortError('ERR_SOCKET_PORT_SYSCALL', 'EMFILE', { fd, errno: 24 })
    }
    const duplicate = this.#next
    this.#next += 1
    this.made.set(duplicate, fd)
    return duplicate
  }

  setCloseOnExec(fd: number): void {
    this.changed.push(fd)
  }

  pidfdInode(): bigint {
    return INODE
  }
}

export const PORTS: readonly number[] = [80, 443, 8080]
export const HOSTS: readonly string[] = ['0.0.0.0', '::', '127.0.0.1', '::1', '10.0.0.1']
export const PATHS: readonly string[] = ['/run/a.sock', '/run/b.sock', '@c']

function anyFacts({ pick, weigh, number }: Chance): SocketFacts | string {
  const facts: SocketFacts = {
    family: undefined,
    stream: true,
    listening: true,
    address: undefined,
    port: undefined,
    path: undefined,
    ipv6Only: undefined,
    backlog: pick([undefined, 0, 1, 4096]),
    queueLength: pick([undefined, 0, 7]),
  }
  const kind = weigh({ tcp: 60, unix: 15, deaf: 5, datagram: 5, foreign: 5, none: 10 })
  if (kind === 'none') return pick(['is a pipe, not a socket', 'is not a socket'])
  if (kind === 'foreign') return facts
  if (kind === 'unix') return { ...facts, family: 'unix', path: pick([...PATHS, undefined]) }
  const address = pick(HOSTS)
  const family = address.includes(':') ? 'IPv6' : 'IPv4'
  return {
    ...facts,
    family,
    address,
    port: pick(PORTS),
    ipv6Only: family === 'IPv6' ? number(2) === 0 : undefined,
    listening: kind !== 'deaf' && kind !== 'datagram',
    stream: kind !== 'datagram',
  }
}
