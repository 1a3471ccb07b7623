import type { AnyServer } from '../base/types.ts'

// Servers are told apart by their methods: `instanceof` would load node:https and node:tls, a third of the time that
// importing this package takes, in programs that use neither. node:http2 exports no class at all.

/** A server of node:http2, with TLS or without. */
export const isHttp2Server = (server: AnyServer): boolean => 'updateSettings' in server

/** A server of node:http or node:https. */
export const isHttp1Server = (server: AnyServer): boolean =>
  'closeIdleConnections' in server && !isHttp2Server(server)

/** A server of node:tls, or one that is made of it. */
export const isTlsServer = (server: AnyServer): boolean => 'setSecureContext' in server
