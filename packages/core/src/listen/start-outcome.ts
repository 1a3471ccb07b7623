import { Server as NetServer } from 'node:net'
import { clusterWorker } from '../base/built-in.ts'
import { SocketPortError } from '../base/errors.ts'
import { onceClosed } from '../base/own-listener.ts'
import type { AnyServer } from '../base/types.ts'
import { startingServers } from '../process/own-servers.ts'
import type { StartAbort } from './start-abort.ts'

/** What a start of a server needs for its outcome. */
export interface StartRequest {
  abort: StartAbort
  /** Called when the server listens, before the program's 'listening' listeners. */
  onListening?: (() => void) | undefined
  /** Called with an error of Node's `listen`, before the program's 'error' listeners. */
  onError?: ((error: NodeJS.ErrnoException) => void) | undefined
}

// Node would notice a second `listen` too late.
export const noteStarting = (server: AnyServer, request: StartRequest): void =>
  void startingServers().set(server, request)

// A listener of the outcome may have started the server again.
export function settleStart(server: AnyServer, request: StartRequest): void {
  if (startingServers().get(server) === request) startingServers().delete(server)
}

/**
 * Calls `start`, and waits for the first event that decides its outcome. The follow-up runs in that event,
 * before the program's listeners, which may close the server or let it listen again.
 */
export function startOutcome(
  server: AnyServer,
  request: StartRequest,
  start: () => void,
  note: () => void,
): Promise<void> {
  const { abort } = request
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      server.off('listening', onListening).off('error', onError).off('close', onClose)
      abort.onAbort = undefined
      settleStart(server, request)
      then()
    }
    const onListening = (): void =>
      settle(() => {
        try {
          note()
          request.onListening?.()
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    const onError = (error: Error): void => {
      settle(() => reject(error))
      request.onError?.(error)
    }
    const onClose = (): void => settle(() => reject(closedTooEarly()))
    server.prependOnceListener('listening', onListening).prependOnceListener('error', onError)
    onceClosed(server, onClose)
    abort.onAbort = () => {
      settle(() => reject(abort.reason))
      giveUp(server)
    }
    try {
      start()
    } catch (error) {
      settle(() => reject(error))
    }
  })
}

// Node's own `signal` option would leave a listener behind for every start that failed.
function giveUp(server: AnyServer): void {
  // Use Node's own close: the `close` of an attached server would drain, and call this function again. Node's close
  // also ends a look-up of the host name: the server then neither listens nor emits 'listening' (net.js,
  // lookupAndListen, emitListeningNT).
  if (server.listening || clusterWorker() === undefined)
    return void NetServer.prototype.close.call(server)
  // In a cluster worker the answer of the primary still comes. Close the server after it.
  const onAnswer = (): void => {
    server.off('listening', onAnswer).off('error', onAnswer)
    NetServer.prototype.close.call(server)
  }
  server.once('listening', onAnswer).once('error', onAnswer)
}

export const closedTooEarly = (): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_CLOSED',
    'the server was closed before it listened; await listen() before closing it',
  )
