import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { ownListener } from '../base/own-listener.ts'
import { throwLater } from '../base/throw-later.ts'
import type { AnyServer } from '../base/types.ts'
import { REQUEST_START, type RequestStart, UPGRADE_EVENTS } from '../node/http1-events.ts'
import { setAttachment } from './attachment.ts'
import { decodeAttachment } from './attachment-bytes.ts'
import { muteHead } from './mute.ts'
import type { StoredContinuation } from './stored.ts'

/**
 * Continues a connection of the previous process on a server that has just taken it. The server's own parser reads
 * the request again, so the program gets an ordinary 'request' or 'upgrade' event, and its routes and middleware run,
 * as for a client that connects anew. The client notices nothing. `refused` is called if the program answers in
 * another way.
 */
export function continueConnection(
  server: AnyServer,
  socket: Socket,
  { replay, framing, refusal, attachment }: StoredContinuation,
  refused: (reason: string) => void,
): void {
  let value: unknown
  try {
    value = attachment && decodeAttachment(attachment)
  } catch (error) {
    // A newer version of Node has written it.
    refused(`its attachment cannot be read (${(error as Error).message})`)
    socket.end(Buffer.from(refusal))
    return
  }
  muteHead(socket, { framing, refusal, refused })
  const onUpgrade = ownListener((request: IncomingMessage) =>
    setAttachment(request, value, refused),
  )
  const onRequest = (message: unknown): void => {
    const { request } = message as RequestStart
    if (request.socket === socket) setAttachment(request, value, refused)
  }
  // Node's parser calls all of these before emit() returns.
  subscribe(REQUEST_START, onRequest)
  // Without a listener of the program Node treats an upgrade as a request.
  const heard = UPGRADE_EVENTS.filter((event) => server.listenerCount(event) > 0)
  for (const event of heard) server.prependListener(event, onUpgrade)
  try {
    socket.emit('data', Buffer.from(replay))
  } catch (error) {
    throwLater(error)
  } finally {
    unsubscribe(REQUEST_START, onRequest)
    for (const event of heard) server.off(event, onUpgrade)
  }
}
