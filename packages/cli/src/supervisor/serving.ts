import type { ServerProcess } from './child.ts'

interface Server {
  readonly process: ServerProcess
  /** The inodes of the sockets that were given to it. */
  readonly sockets: Set<bigint>
  ready: boolean
  /** It can receive connections of the previous process. */
  receives: boolean
  /** It has reported STOPPING=1. */
  stopping: boolean
}

/** What is known of the processes below a started one that serve in its place. */
export class Serving {
  readonly #servers = new Map<number, Server>()

  has(pid: number): boolean {
    return this.#servers.has(pid)
  }

  /** The running process, other than `pid`, that serves the socket and does not stop. */
  holderOf(socket: bigint, pid: number): number | undefined {
    const others = [...this.#servers.values()].filter(
      ({ process, sockets, stopping }) =>
        process.pid !== pid && sockets.has(socket) && !stopping && process.isRunning,
    )
    return others[0]?.process.pid
  }

  /** The inodes of the sockets that were given to the process; `undefined` for one that has asked for none. */
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
    const server = {
      process,
      sockets: new Set<bigint>(),
      ready: false,
      receives: false,
      stopping: false,
    }
    this.#servers.set(process.pid, server)
  }

  give(pid: number, socket: bigint): void {
    this.#servers.get(pid)?.sockets.add(socket)
  }

  /** Notes READY=1. Returns whether every one of them is ready. */
  ready(pid: number): boolean {
    const server = this.#servers.get(pid)
    if (server !== undefined) server.ready = true
    return [...this.#servers.values()].every(({ ready, stopping }) => ready || stopping)
  }

  /** Notes STOPPING=1. Returns whether all of them stop. */
  stopping(pid: number): boolean {
    const server = this.#servers.get(pid)
    if (server !== undefined) server.stopping = true
    return [...this.#servers.values()].every(({ stopping }) => stopping)
  }

  remove(pid: number): void {
    this.#servers.delete(pid)
  }
}
