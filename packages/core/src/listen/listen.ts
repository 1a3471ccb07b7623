import { chmodSync } from 'node:fs'
import { createServer, Server as NetServer } from 'node:net'
import { clusterWorker, isMainThread } from '../base/built-in.ts'
import { publish } from '../base/channels.ts'
import { SocketPortError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { AnyServer } from '../base/types.ts'
import { checkNoMore, checkServer } from '../base/validate.ts'
import { failedToStart } from '../notify/readiness.ts'
import { bindOptions, explainBindError, prepareToBind, withMode } from './bind.ts'
import { openBound } from './bind-fd.ts'
import { clearTheWay, isStored, keepBound, store, sweepLater } from './fd-store.ts'
import { describeRequest, type InheritedListener, refuseTaken, takeInherited } from './inherit.ts'
import { noteListening } from './listening-servers.ts'
import { socketAddress } from './match.ts'
import { type ResolvedListen, resolveListen, type Target } from './options.ts'
import type { Entry } from './passed-sockets.ts'
import { drop, take } from './socket-registry.ts'

/** The origin of a listening socket. */
export type Source = 'inherited' | 'bound'

/**
 * Lets the server listen on the inherited socket that fits, or else on one that is bound here. Without a
 * server it returns a listening `net.Server`.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_… for wrong arguments, …_AMBIGUOUS,
 * …_NOT_INHERITED, …_ALREADY_LISTENING; bind errors keep Node's code (`EADDRINUSE`, …).
 */
export function listen(target: Target): Promise<NetServer>
export function listen<S extends AnyServer>(server: S, target: Target): Promise<S>
export async function listen(
  serverOrTarget: AnyServer | Target,
  target?: Target,
  ...more: unknown[]
): Promise<AnyServer> {
  checkNoMore('listen', typeof target === 'function' ? [target] : more)
  if (target !== undefined) checkServer(serverOrTarget)
  const bare = !(serverOrTarget instanceof NetServer)
  const server = bare ? createServer() : serverOrTarget
  const request = resolveListen((bare ? serverOrTarget : target) as Target)
  await startListening(server, request)
  closeOnAbort(server, request.signal)
  return server
}

/**
 * Returns a close-on-exec duplicate of the inherited socket that fits; `undefined` if there is none. The
 * caller owns it. The socket stays taken for the life of the process.
 *
 * @throws {SocketPortError} As {@link listen}, but nothing is ever bound.
 */
export function listenFd(target: Target): number | undefined {
  return takeInherited(resolveListen(target))?.fd
}

// The servers that are starting, with their requests. Node would notice a second `listen` too late.
const starting = new WeakMap<AnyServer, ListenRequest>()

/** Node's own `listen` of a server whose `listen` was replaced. */
export type NativeListen = (...args: unknown[]) => unknown

export interface ListenRequest extends ResolvedListen {
  /** @default server.listen */
  nativeListen?: NativeListen | undefined
  /** Further options for Node's `listen` when the socket is bound. */
  nodeOptions?: object | undefined
  /** It takes part in the readiness of the process. @default true */
  notify?: boolean | undefined
  /** The host to bind when none is asked for. It does not select among inherited sockets. */
  defaultHost?: string | undefined
  /** The framework itself logs where the server listens, if the socket was bound here. @default false */
  announces?: boolean | undefined
  /** Called before Node's `listen`. `stored`: the socket comes from the manager's fd store. */
  onSource?: ((source: Source, stored: boolean) => void) | undefined
  /** Called when the server listens, before the program's 'listening' listeners. */
  onListening?: (() => void) | undefined
  /** Called with an error of Node's `listen`, before the program's 'error' listeners. */
  onError?: ((error: NodeJS.ErrnoException) => void) | undefined
}

/**
 * Starts to listen. The promise settles with the outcome. Node's `listen` is called synchronously, unless a
 * port must be freed or a stale unix socket removed first.
 */
export function startListening(server: AnyServer, request: ListenRequest): Promise<void> {
  if (server.listening || starting.has(server)) {
    const error = new SocketPortError(
      'ERR_SOCKET_PORT_ALREADY_LISTENING',
      `cannot listen on ${describeRequest(request)}: the server listens already; ` +
        'close it first, or use one server for each socket',
    )
    return Promise.reject(error)
  }
  starting.set(server, request)
  return startOnce(server, request).finally(() => {
    settleStart(server, request)
    sweepLater(request.logger)
  })
}

// A listener of the outcome may have started the server again.
function settleStart(server: AnyServer, request: ListenRequest): void {
  if (starting.get(server) === request) starting.delete(server)
}

function startOnce(server: AnyServer, request: ListenRequest): Promise<void> {
  try {
    request.signal?.throwIfAborted()
    withholdIfTaken(server, request)
    const inherited = takeInherited(request)
    const { origin = 'kept' } = inherited?.entry ?? {}
    request.onSource?.(origin === 'kept' ? 'bound' : 'inherited', origin === 'stored')
    if (inherited !== undefined) return listenInherited(server, request, inherited)
    clearTheWay(request)
    if (isStored(request)) return listenStored(server, request)
    const prepared = prepareToBind(request)
    if (prepared === undefined) return listenBound(server, request)
    return prepared.then(() => {
      request.signal?.throwIfAborted()
      return listenBound(server, request)
    })
  } catch (error) {
    return Promise.reject(error)
  }
}

// The process must not count as ready while another server answers in the place of this one.
function withholdIfTaken(server: AnyServer, request: ListenRequest): void {
  try {
    refuseTaken(request)
  } catch (error) {
    if (request.notify !== false) failedToStart(server, error, request.logger)
    throw error
  }
}

async function listenStored(server: AnyServer, request: ListenRequest): Promise<void> {
  const opened = openBound(request)
  // Await only a promise: without one, Node's `listen` must be called synchronously.
  const fd = typeof opened === 'number' ? opened : await opened
  const entry = keepBound(fd, request)
  try {
    await listenOnTaken(server, request, { entry, ...take(entry) }, () => {
      store(entry, request.logger)
      noteKept(server, request, entry)
    })
  } catch (error) {
    drop(entry)
    throw error
  }
}

function noteKept(server: AnyServer, request: ListenRequest, entry: Entry): void {
  request.logger.info(
    `listening on ${socketAddress(entry)}, which the manager keeps over a restart`,
  )
  noteListening(server, { request, source: 'bound', fd: undefined })
  publish.listen({ server, source: 'bound' })
}

async function listenInherited(
  server: AnyServer,
  request: ListenRequest,
  inherited: InheritedListener,
): Promise<void> {
  const { fd, name, origin, ...entry } = inherited.entry
  await listenOnTaken(server, request, inherited, () => {
    if (origin === 'kept') return noteKept(server, request, inherited.entry)
    request.logger.info(
      `listening on ${socketAddress(entry)}, inherited${origin === 'stored' ? ' from the fd store' : ''} ` +
        `as fd ${fd} ${quote(name)}`,
    )
    noteListening(server, { request, source: 'inherited', fd })
    publish.listen({ server, source: 'inherited', fd, name })
  })
}

async function listenOnTaken(
  server: AnyServer,
  request: ListenRequest,
  { entry, fd, release }: InheritedListener,
  note: () => void,
): Promise<void> {
  server.once('close', release)
  // Set it before the server listens: listeners of 'listening' ask for the address.
  const forgetPath = entry.family === 'unix' ? reportPath(server, entry.path ?? '') : undefined
  try {
    const start = (): void => {
      // The backlog must be positional. In the options Node ignores it, and sets 511 on the shared socket for
      // every process that holds it (net.js, Server.prototype.listen).
      nativeListen(server, request)({ fd }, keptBacklog(entry.backlog))
    }
    await outcome(server, request, start, note)
  } catch (error) {
    server.off('close', release)
    release()
    forgetPath?.()
    throw error
  }
}

async function listenBound(server: AnyServer, request: ListenRequest): Promise<void> {
  const { bindPath, mode, logger, nodeOptions, host = request.defaultHost } = request
  const named = bindPath !== undefined && !bindPath.startsWith('\0')
  // A worker thread cannot change the umask, which belongs to the process.
  const umask = named && mode !== undefined && isMainThread() ? mode : undefined
  const start = (): void => {
    const options = { ...nodeOptions, ...bindOptions({ ...request, host }) }
    withMode(umask, () => nativeListen(server, request)(options))
  }
  const note = (): void => {
    if (named && mode !== undefined) chmodSync(bindPath, mode)
    logger[request.announces ? 'debug' : 'info'](`listening on ${addressText(server)}`)
    noteListening(server, { request, source: 'bound', fd: undefined })
    publish.listen({ server, source: 'bound' })
  }
  try {
    await outcome(server, request, start, note)
  } catch (error) {
    throw explainBindError(error as NodeJS.ErrnoException, request)
  }
}

/**
 * Calls `start`, and waits for the first event that decides its outcome. The follow-up runs in that event,
 * before the program's listeners, which may close the server or let it listen again.
 */
function outcome(
  server: AnyServer,
  request: ListenRequest,
  start: () => void,
  note: () => void,
): Promise<void> {
  const { signal } = request
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      server.off('listening', onListening).off('error', onError).off('close', onClose)
      signal?.removeEventListener('abort', onAbort)
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
    const onAbort = (): void => {
      settle(() => reject(signal?.reason))
      giveUp(server)
    }
    server.prependOnceListener('listening', onListening).prependOnceListener('error', onError)
    server.once('close', onClose)
    signal?.addEventListener('abort', onAbort)
    try {
      start()
    } catch (error) {
      settle(() => reject(error))
    }
  })
}

// Node's own `signal` option would leave a listener behind for every start that failed.
function giveUp(server: AnyServer): void {
  // Node's own close: that of an attached server would drain, and come back here. It also forgets a look-up, and
  // nobody hears 'listening' of a server that does not (net.js, lookupAndListen, emitListeningNT).
  if (server.listening || clusterWorker() === undefined)
    return void NetServer.prototype.close.call(server)
  // In a cluster worker the answer of the primary still comes. Close the server after it.
  const onAnswer = (): void => {
    server.off('listening', onAnswer).off('error', onAnswer)
    NetServer.prototype.close.call(server)
  }
  server.once('listening', onAnswer).once('error', onAnswer)
}

export function closeOnAbort(server: AnyServer, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const close = (): void => void server.close()
  signal.addEventListener('abort', close, { once: true })
  server.once('close', () => signal.removeEventListener('abort', close))
}

export const closedTooEarly = (): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_CLOSED',
    'the server was closed before it listened; await listen() before closing it',
  )

// Never reduce the backlog of a shared socket: if the kernel does not report it, pass the largest value. Node
// replaces 0 with its default of 511, so pass at least 1.
const SOMAXCONN = 2 ** 31 - 1
const keptBacklog = (backlog: number | undefined): number => Math.max(1, backlog ?? SOMAXCONN)

// Node's own `address()` is null for an inherited unix socket, but frameworks and their start-up messages rely
// on it.
function reportPath(server: AnyServer, path: string): () => void {
  Object.defineProperty(server, 'address', {
    configurable: true,
    writable: true,
    value: () => path,
  })
  const forget = (): void => void Reflect.deleteProperty(server, 'address')
  server.once('close', forget)
  return forget
}

const nativeListen = (server: AnyServer, request: ListenRequest): NativeListen =>
  request.nativeListen ?? ((...args) => Reflect.apply(server.listen, server, args))

function addressText(server: AnyServer): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return `unix:${address}`
  return socketAddress({
    family: address.family === 'IPv6' ? 'IPv6' : 'IPv4',
    address: address.address,
    port: address.port,
    path: undefined,
  })
}
