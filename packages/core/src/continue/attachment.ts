import type { IncomingMessage } from 'node:http'
import { invalid } from '../base/validate.ts'

/** A request, or what a framework makes of it and keeps it in: Fastify's `request.raw`, Koa's `ctx.req`. */
export type AnyRequest = IncomingMessage | { raw: IncomingMessage } | { req: IncomingMessage }

/** Throws ERR_SOCKET_PORT_INVALID_OPTION for what is no request. */
export function requestOf(request: AnyRequest): IncomingMessage {
  const { raw, req, rawHeaders } = (request ?? {}) as { [name: string]: unknown }
  const found = raw ?? (rawHeaders === undefined ? req : request)
  if (Array.isArray((found as Partial<IncomingMessage> | undefined)?.rawHeaders)) {
    return found as IncomingMessage
  }
  throw invalid('the request', request, 'one of node:http', '; pass what the listener was given')
}

// Symbol.for: the package that asks for it may use another copy of this one.
const ATTACHMENT: unique symbol = Symbol.for('@socket-port/core/attachment/1')

interface Attached {
  value: unknown
  refused: (reason: string) => void
}

type Continued = IncomingMessage & { [ATTACHMENT]?: Attached }

/**
 * Gives a request that is read a second time what the previous process attached to its connection. `refused` is called
 * if the program does not continue the connection after all.
 */
export const setAttachment = (
  request: IncomingMessage,
  value: unknown,
  refused: (reason: string) => void = () => {},
): void => {
  const continued: Continued = request
  continued[ATTACHMENT] = { value, refused }
}

/** Whether the previous process has answered the request, and its connection goes on here. */
export const isContinued = (request: AnyRequest): boolean => ATTACHMENT in requestOf(request)

/**
 * What the previous process attached to the connection of this request. `undefined` for a client that is really new;
 * `null` where the connection was handed over with no attachment.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION
 */
export function attachmentOf<T = unknown>(request: AnyRequest): T | null | undefined {
  const found = (requestOf(request) as Continued)[ATTACHMENT]
  return found === undefined ? undefined : ((found.value ?? null) as T | null)
}

/**
 * Logs that the program does not continue a connection of the previous process. Call it where the program has
 * answered the request as before, but its own protocol refuses the client and closes the connection: core cannot
 * notice that. `reason` is the end of a sentence, such as `its token has expired`. Does nothing for a client that is
 * really new.
 */
export const reportRefusal = (request: AnyRequest, reason: string): void =>
  (requestOf(request) as Continued)[ATTACHMENT]?.refused(reason)
