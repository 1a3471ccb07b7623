import type { Server as Http1Server } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'
import { afterPoll } from '../base/after-poll.ts'
import { LONGEST_TIMEOUT } from '../base/validate.ts'
import { excuseSilence } from '../node/request-timeouts.ts'

/** A server that can receive connections of the previous process. */
export type HttpServer = NetServer &
  Pick<Http1Server, 'keepAliveTimeout' | 'headersTimeout' | 'requestTimeout' | 'timeout'>

/** A keep-alive time-out as a promise in milliseconds; 0 (without end) if no timer of Node is that long. Pure. */
export const keepAlivePromise = (milliseconds: number | null | undefined): number =>
  milliseconds && milliseconds > 0 && milliseconds <= LONGEST_TIMEOUT ? milliseconds : 0

/**
 * Keeps received connections open for as long as the previous process has promised, or as this server
 * promises, whichever is longer. Then it closes those that have sent nothing.
 */
export function expireUnused(
  server: HttpServer,
  sockets: readonly Socket[],
  promised: number,
): void {
  const own = keepAlivePromise(server.keepAliveTimeout)
  // 0 is a promise without end.
  const promise = own === 0 || promised === 0 ? 0 : Math.max(own, promised)
  const { headersTimeout, requestTimeout, timeout } = server
  const outlasts = (limit: number): boolean => limit > 0 && (promise === 0 || promise >= limit)
  if (outlasts(headersTimeout) || outlasts(requestTimeout)) {
    for (const socket of sockets) excuseSilence(server, socket)
  }
  if (promise === 0) return
  // Node has set the shorter time-out, which is meant for a connection that has just been opened.
  if (outlasts(timeout)) for (const socket of sockets) socket.setTimeout(promise)
  const expire = (): void => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
  setTimeout(() => afterPoll(expire), promise).unref()
}
