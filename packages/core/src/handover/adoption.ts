import { closeSync } from 'node:fs'
import type { Server as Http1Server } from 'node:http'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { publish } from '../diagnostics.ts'
import { excuseSilence, takeConnection } from '../drain/node-internals.ts'
import { isHttp1Server, isTlsServer } from '../drain/server-kind.ts'
import type { AnyServer, Logger } from '../types.ts'
import { type Label, readLabel } from './label.ts'
import type { Received } from './line.ts'

type HttpServer = NetServer &
  Pick<Http1Server, 'keepAliveTimeout' | 'headersTimeout' | 'requestTimeout' | 'timeout'>

/** Connections of one server of the process before. */
export interface Parcel {
  label: Label
  fds: number[]
}

/** The connections that come from the generation before, and the servers that take them. */
export class Adoption {
  /** Connections that servers of this process have taken. */
  adopted = 0
  readonly #servers = new Set<HttpServer>()
  /** For servers that do not listen yet. */
  #waiting: Parcel[] = []
  #stopped = false
  /** Of each server, how many it has taken and nobody has been told of. */
  readonly #untold = new Map<HttpServer, number>()

  /** The server takes what is meant for it, from now on and until it closes or drains. */
  join(server: AnyServer): () => void {
    if (!isHttp1Server(server) || isTlsServer(server)) return () => {}
    const http = server as HttpServer
    this.#servers.add(http)
    const waiting = this.#waiting
    this.#waiting = []
    for (const parcel of waiting) this.#place(parcel)
    return () => void this.#servers.delete(http)
  }

  /**
   * Takes what comes through a line, a message in each turn of the loop. True: nothing waits in it
   * any more; false: this process is about to end, and the rest is for the next one.
   */
  async receive(next: () => Received | undefined, logger: Logger): Promise<boolean> {
    while (!this.#stopped) {
      const message = next()
      if (message === undefined) break
      const label = readLabel(message.bytes)
      if (label !== undefined) this.#place({ label, fds: message.fds })
      else message.fds.forEach(closeSync)
      // Newcomers are served meanwhile.
      await nextTurn()
    }
    this.#tell(logger)
    return !this.#stopped
  }

  /** Takes no more: the process shuts down. */
  stop(): void {
    this.#stopped = true
  }

  /** Gives up what no server of this process has taken yet; the descriptors are the caller's. */
  giveUp(): Parcel[] {
    return this.#waiting.splice(0)
  }

  /** Closes what no server of this process has taken. */
  sweep(logger: Logger): void {
    for (const { label, fds } of this.giveUp()) {
      fds.forEach(closeSync)
      logger.info(
        `closed ${count(fds.length)} of the process before: it served port ${label.port}, this one does not`,
      )
    }
  }

  #place(parcel: Parcel): void {
    const server = this.#serverOf(parcel.label)
    if (server === undefined) return void this.#waiting.push(parcel)
    const { promise } = parcel.label
    const taken = parcel.fds.flatMap((fd) => takeConnection(server, fd) ?? [])
    this.adopted += taken.length
    this.#untold.set(server, (this.#untold.get(server) ?? 0) + taken.length)
    keepPromise(server, taken, promise)
  }

  #serverOf({ port, address }: Label): HttpServer | undefined {
    const listening = [...this.#servers].flatMap((server) => {
      const own = server.address() as AddressInfo | string | null
      return own === null || typeof own === 'string' || own.port !== port ? [] : { server, own }
    })
    return (listening.find(({ own }) => own.address === address) ?? listening[0])?.server
  }

  #tell(logger: Logger): void {
    for (const [server, connections] of this.#untold) {
      publish.adopt({ server, connections })
      logger.info(`adopted ${count(connections)} of the process before`)
    }
    this.#untold.clear()
  }
}

const count = (connections: number): string =>
  connections === 1 ? '1 connection' : `${connections} connections`

/** Closes those that have not asked when what was promised to them has run out. */
function keepPromise(server: HttpServer, sockets: readonly Socket[], promised: number): void {
  const own = server.keepAliveTimeout
  // 0 is a promise without an end.
  const promise = own === 0 || promised === 0 ? 0 : Math.max(own, promised)
  const { headersTimeout, requestTimeout, timeout } = server
  const outlasts = (limit: number): boolean => limit > 0 && (promise === 0 || promise >= limit)
  if (outlasts(headersTimeout) || outlasts(requestTimeout)) {
    for (const socket of sockets) excuseSilence(server, socket)
  }
  if (promise === 0) return
  // Node sets the shorter one, for a connection that has just been opened.
  if (outlasts(timeout)) for (const socket of sockets) socket.setTimeout(promise)
  const expire = (): void => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
  // After the loop has polled: a request that has arrived is read first.
  setTimeout(() => setImmediate(expire), promise).unref()
}

// One for every copy of this package in the process: a line is read only once.
const key = Symbol.for('@socket-port/core/adoption/1')
const globals = globalThis as { [key]?: Adoption }

export function adoption(): Adoption {
  globals[key] ??= new Adoption()
  return globals[key]
}
