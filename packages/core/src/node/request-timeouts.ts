import type { Socket } from 'node:net'
import type { AnyServer } from '../base/types.ts'
import { ownSymbol } from './own-symbol.ts'

// Node checks the time-outs of requests in an interval that it makes when the server listens
// (setupConnectionsTracking in lib/_http_server.js, 20 to 26).
const checkInterval = (server: AnyServer): NodeJS.Timeout | undefined =>
  ownSymbol(server, 'http.server.connectionsCheckingInterval') as NodeJS.Timeout | undefined

/**
 * Returns Node's own check of an HTTP/1.1 server, which answers 408 to each connection that has
 * exceeded `headersTimeout` or `requestTimeout`, and closes it; `undefined` if there is none.
 */
export function timeoutCheck(server: AnyServer): (() => void) | undefined {
  const interval = checkInterval(server)
  const { _onTimeout: check } = (interval ?? {}) as { _onTimeout?: unknown }
  return typeof check === 'function' ? () => Reflect.apply(check, interval, []) : undefined
}

/** Clears the interval of an HTTP server that its own `close()` would have cleared. */
export const stopTimeoutChecks = (server: AnyServer): void => clearInterval(checkInterval(server))

/**
 * Exempts a received connection from `headersTimeout`. To Node it has just been opened, so Node would answer
 * 408 to a client that was promised more time.
 */
export function excuseSilence(server: AnyServer, socket: Socket): void {
  const put = (property: PropertyDescriptor): unknown =>
    Object.defineProperty(socket, 'server', { ...property, configurable: true, enumerable: true })
  // From the first byte on the property is the server itself again: a program may keep data on it.
  const restore = (): void => void put({ value: server, writable: true })
  // Node reads the server of a socket only to report errors to it (_http_server.js, socketOnError).
  const excusing = Object.create(server, {
    emit: {
      value(event: string, ...values: [{ code?: string }?, ...unknown[]]): boolean {
        const timedOut = values[0]?.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        if (event === 'clientError' && timedOut && socket.bytesRead === 0) return true
        restore()
        return Reflect.apply(server.emit, server, [event, ...values])
      },
    },
  })
  put({
    get() {
      if (socket.bytesRead === 0) return excusing
      restore()
      return server
    },
    set: (value: unknown) => void put({ value, writable: true }),
  })
}
