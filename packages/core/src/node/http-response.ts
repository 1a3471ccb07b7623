import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The response that is being sent on an HTTP/1.1 connection; the responses to pipelined requests wait behind
 * it. `undefined` if there is none.
 */
export function currentResponse(socket: Socket): ServerResponse | undefined {
  const { _httpMessage: response } = socket as { _httpMessage?: ServerResponse | null }
  return response ?? undefined
}

/** The status line and the headers as they were sent, whether set one by one or by `writeHead`; '' before. */
export function sentHead(response: ServerResponse): string {
  return (response as { _header?: string | null })._header ?? ''
}

/**
 * Whether the head of a response has left this process, or is about to: Node keeps it until the first byte of the
 * body.
 */
export const isHeadSent = (response: ServerResponse): boolean =>
  (response as { _headerSent?: boolean })._headerSent ?? false
