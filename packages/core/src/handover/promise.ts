import type { Server as Http1Server } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'
import { excuseSilence } from '../node/request-timeouts.ts'
import { promiseOf } from './batch-header.ts'

/** A server that takes connections of the process before. */
export type HttpServer = NetServer &
  Pick<Http1Server, 'keepAliveTimeout' | 'headersTimeout' | 'requestTimeout' | 'timeout'>

/** Closes those that have not asked when what was promised to them has run out. */
export function expireUnused(
  server: HttpServer,
  sockets: readonly Socket[],
  promised: number,
): void {
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
