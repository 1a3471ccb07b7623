import { closeSync } from 'node:fs'
import type { Server as Http1Server } from 'node:http'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { counted } from '../counted.ts'
import { publish } from '../diagnostics.ts'
import { excuseSilence, takeConnection } from '../drain/node-internals.ts'
import { isHttp1Server, isTlsServer } from '../drain/server-kind.ts'
import type { AnyServer, Logger } from '../types.ts'
import type { Next } from './bell-line.ts'
import { fileLimit } from './file-limit.ts'
import { type Label, promiseOf, readLabel } from './label.ts'

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
  readonly #onStop = new Set<() => void>()
  /** Whoever passes on to the process after this one what no server takes. */
  #heir: ((parcel: Parcel) => void) | undefined
  #warned = false
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
  async receive(next: Next, logger: Logger): Promise<boolean> {
    while (!this.#stopped && this.#takeOne(next, logger)) {
      // Newcomers are served meanwhile.
      await nextTurn()
    }
    this.#tell(logger)
    return !this.#stopped
  }

  /** Takes at once all that waits in a line which nobody else will ever read. */
  takeAll(next: Next, logger: Logger): void {
    while (this.#takeOne(next, logger)) {}
    this.#tell(logger)
  }

  /** Takes no more but by {@link takeAll}: the process shuts down. */
  stop(): void {
    this.#stopped = true
    const callbacks = [...this.#onStop]
    this.#onStop.clear()
    for (const callback of callbacks) callback()
  }

  /** Calls back when the process shuts down, at once where it does; returns what takes that back. */
  onStop(callback: () => void): () => void {
    if (this.#stopped) callback()
    else this.#onStop.add(callback)
    return () => void this.#onStop.delete(callback)
  }

  /**
   * Gives up what no server of this process has taken, now and whenever more of it comes; the
   * descriptors are the heir's.
   */
  giveUp(heir: (parcel: Parcel) => void): void {
    this.#heir = heir
    for (const parcel of this.#waiting.splice(0)) heir(parcel)
  }

  /** Closes what no server of this process has taken. */
  sweep(logger: Logger): void {
    for (const { label, fds } of this.#waiting.splice(0)) {
      fds.forEach(closeSync)
      logger.info(
        `closed ${counted(fds.length, 'connection')} of the process before: it served port ${label.port}, this one does not`,
      )
    }
  }

  #takeOne(next: Next, logger: Logger): boolean {
    // Before the message, after which there may be no descriptor left to read it with.
    const limit = fileLimit()
    const message = next()
    if (message === undefined) return false
    if (message.truncated) this.#warnOfLimit(limit, logger)
    const label = readLabel(message.bytes)
    if (label !== undefined) this.#place({ label, fds: message.fds })
    else message.fds.forEach(closeSync)
    return true
  }

  #warnOfLimit(limit: number | undefined, logger: Logger): void {
    if (this.#warned) return
    this.#warned = true
    const most = limit === undefined ? 'no more' : `no more than ${limit}`
    logger.warn(
      'not all connections of the process before are taken, and the rest is closed: this process may have ' +
        `${most} files open; raise LimitNOFILE= in the unit (ulimit -n) to what the connections need`,
    )
  }

  #place(parcel: Parcel): void {
    const server = this.#serverOf(parcel.label)
    if (server === undefined) {
      if (this.#heir === undefined) this.#waiting.push(parcel)
      else this.#heir(parcel)
      return
    }
    const { promise } = parcel.label
    const taken = parcel.fds.flatMap((fd) => takeConnection(server, fd) ?? [])
    if (taken.length === 0) return
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
      logger.info(`adopted ${counted(connections, 'connection')} of the process before`)
    }
    this.#untold.clear()
  }
}

/** Closes those that have not asked when what was promised to them has run out. */
function keepPromise(server: HttpServer, sockets: readonly Socket[], promised: number): void {
  const own = promiseOf(server.keepAliveTimeout)
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
