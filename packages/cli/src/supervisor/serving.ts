import type { ServerProcess } from './child.ts'

interface Server {
  readonly process: ServerProcess
  /** The inodes of the sockets that were given to it. */
  readonly sockets: Set<bigint>
  /** What it has reported last: nothing yet, READY=1, or STOPPING=1. */
  state: 'starting' | 'ready' | 'stopping'
  /** It can receive connections of the previous process. */
  receives: boolean
}

/** Facts about the processes below a started one that serve in its place. */
export class Serving {
  readonly #servers = new Map<number, Server>()

  has(pid: number): boolean {
    return this.#servers.has(pid)
  }

  /** The running process, other than `pid`, that serves the socket and does not stop. */
  holderOf(socket: bigint, pid: number): number | undefined {
    const others = [...this.#servers.values()].filter(
      ({ process, sockets, state }) =>
        process.pid !== pid && sockets.has(socket) && state !== 'stopping' && process.isRunning,
    )
    return others[0]?.process.pid
  }

  /** The inodes of the sockets that were given to the process; `undefined` if it has asked for none. */
  socketsOf(pid: number): ReadonlySet<bigint> | undefined {
    return this.#servers.get(pid)?.sockets
  }

  /** The newest process that receives connections, and serves one of the sockets if they are known. */
  receiverOf(sockets: ReadonlySet<bigint> | undefined): number | undefined {
    const able = [...this.#servers.values()].filter(
      (server) =>
        server.receives &&
        (sockets === undefined || [...sockets].some((socket) => server.sockets.has(socket))),
    )
    return able.at(-1)?.process.pid
  }

  receives(pid: number): void {
    const server = this.#servers.get(pid)
    if (server !== undefined) server.receives = true
  }

  get isEmpty(): boolean {
    return this.#servers.size === 0
  }

  add(process: ServerProcess): void {
    const sockets = new Set<bigint>()
    this.#servers.set(process.pid, { process, sockets, state: 'starting', receives: false })
  }

  give(pid: number, socket: bigint): void {
    this.#servers.get(pid)?.sockets.add(socket)
  }

  /** Notes READY=1. Returns whether none of them is still starting. */
  ready(pid: number): boolean {
    const server = this.#servers.get(pid)
    if (server?.state === 'starting') server.state = 'ready'
    return [...this.#servers.values()].every(({ state }) => state !== 'starting')
  }

  /** Notes STOPPING=1. Returns whether all of them stop. */
  stopping(pid: number): boolean {
    const server = this.#servers.get(pid)
    if (server !== undefined) server.state = 'stopping'
    return [...this.#servers.values()].every(({ state }) => state === 'stopping')
  }

  remove(pid: number): void {
    this.#servers.delete(pid)
  }
}
