import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AnyServer } from '../base/types.ts'

/**
 * The diagnostics channel on which Node publishes each request that is no upgrade, before any listener runs, also one
 * with `Expect: 100-continue` (parserOnIncoming in lib/_http_server.js, 20 to 26).
 */
export const REQUEST_START = 'http.server.request.start'

/** What Node publishes there. */
export interface RequestStart {
  request: IncomingMessage
  response: ServerResponse
  socket: Socket
  server: AnyServer
}

/** The events of a server by which a connection leaves HTTP/1.1. */
export const UPGRADE_EVENTS = ['upgrade', 'connect'] as const

export type UpgradeEvent = (typeof UPGRADE_EVENTS)[number]
