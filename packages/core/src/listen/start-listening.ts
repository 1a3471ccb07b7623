import { chmodSync } from 'node:fs'
import { isMainThread } from '../base/built-in.ts'
import { publish } from '../base/channels.ts'
import { SocketPortError } from '../base/errors.ts'
import { isSilent } from '../base/logger.ts'
import { onceClosed } from '../base/own-listener.ts'
import type { AnyServer } from '../base/types.ts'
import { failedToStart } from '../notify/readiness.ts'
import { isStarting } from '../process/own-servers.ts'
import { isColdStart } from './asked-sockets.ts'
import { bindOptions, explainBindError, prepareToBind, withMode } from './bind.ts'
import { openBound } from './bind-fd.ts'
import { addressText, describeNamed, socketAddress } from './candidate.ts'
import { clearTheWay, isStored, keepBound, store, sweepLater } from './fd-store.ts'
import { describeRequest, type InheritedListener, refuseTaken, takeInherited } from './inherit.ts'
import { noteListening } from './listening-servers.ts'
import type { ResolvedListen } from './options.ts'
import type { Entry } from './passed-sockets.ts'
import { drop, take } from './socket-registry.ts'
import { noteStarting, type StartRequest, settleStart, startOutcome } from './start-outcome.ts'

/** The origin of a listening socket. */
export type Source = 'inherited' | 'bound'

/** Node's own `listen` of a server whose `listen` was replaced. */
export type NativeListen = (...args: unknown[]) => unknown

export interface ListenRequest extends ResolvedListen, StartRequest {
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
  /** Does what must be done before the server may listen; returns `undefined` when there is nothing to wait for. */
  before?: (() => Promise<void> | undefined) | undefined
  /** Called before Node's `listen`. `stored`: the socket comes from the manager's fd store. */
  onSource?: ((source: Source, stored: boolean) => void) | undefined
}

/**
 * Starts to listen. The promise settles with the outcome. Node's `listen` is called synchronously, unless a
 * port must be freed or a stale unix socket removed first.
 */
export function startListening(server: AnyServer, request: ListenRequest): Promise<void> {
  if (server.listening || isStarting(server)) return Promise.reject(listensAlready(request))
  noteStarting(server, request)
  const { abort, signal } = request
  const unfollow = signal && abort.follow(signal)
  const before = request.before?.()
  const started = before?.then(() => startOnce(server, request)) ?? startOnce(server, request)
  return started.finally(() => {
    unfollow?.()
    settleStart(server, request)
    sweepLater(request.logger)
  })
}

const listensAlready = (request: ListenRequest): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_ALREADY_LISTENING',
    `cannot listen on ${describeRequest(request)}: the server listens already; ` +
      'remove the other call of listen, or use one server for each socket',
  )

function startOnce(server: AnyServer, request: ListenRequest): Promise<void> {
  try {
    request.abort.throwIfAborted()
    // Asked first: V8 compiles the rest only where something was passed.
    if (request.inherit !== 'require' && isColdStart(request.logger)) {
      request.onSource?.('bound', false)
      return listenOnNew(server, request)
    }
    return inheritOrBind(server, request)
  } catch (error) {
    return Promise.reject(error)
  }
}

function inheritOrBind(server: AnyServer, request: ListenRequest): Promise<void> {
  withholdIfTaken(server, request)
  const inherited = takeInherited(request)
  const { origin = 'kept' } = inherited?.entry ?? {}
  request.onSource?.(origin === 'kept' ? 'bound' : 'inherited', origin === 'stored')
  if (inherited !== undefined) return listenInherited(server, request, inherited)
  clearTheWay(request)
  return listenOnNew(server, request)
}

function listenOnNew(server: AnyServer, request: ListenRequest): Promise<void> {
  if (request.fdStore && isStored(request)) return listenStored(server, request)
  const prepared = prepareToBind(request)
  if (prepared === undefined) return listenBound(server, request)
  return prepared.then(() => {
    request.abort.throwIfAborted()
    return listenBound(server, request)
  })
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
        `as ${describeNamed({ fd, name })}`,
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
  onceClosed(server, release)
  // Set it before the server listens: listeners of 'listening' ask for the address.
  const forgetPath = entry.family === 'unix' ? reportPath(server, entry.path ?? '') : undefined
  try {
    const start = (): void => {
      // The backlog must be positional. In the options Node ignores it, and sets 511 on the shared socket for
      // every process that holds it (net.js, Server.prototype.listen).
      nativeListen(server, request)({ fd }, keptBacklog(entry.backlog))
    }
    await startOutcome(server, request, start, note)
  } catch (error) {
    server.off('close', release)
    release()
    forgetPath?.()
    throw error
  }
}

async function listenBound(server: AnyServer, request: ListenRequest): Promise<void> {
  const { bindPath, mode, logger, nodeOptions } = request
  const named = bindPath !== undefined && !bindPath.startsWith('\0')
  // A worker thread cannot change the umask, which belongs to the process.
  const umask = named && mode !== undefined && isMainThread() ? mode : undefined
  const start = (): void => {
    const options = { ...nodeOptions, ...bindOptions(request) }
    const listen = nativeListen(server, request)
    if (umask === undefined) listen(options)
    else withMode(umask, () => listen(options))
  }
  const note = (): void => {
    if (named && mode !== undefined) chmodSync(bindPath, mode)
    if (!isSilent(logger)) {
      logger[request.announces ? 'debug' : 'info'](`listening on ${addressText(server.address())}`)
    }
    noteListening(server, { request, source: 'bound', fd: undefined })
    publish.listen({ server, source: 'bound' })
  }
  try {
    await startOutcome(server, request, start, note)
  } catch (error) {
    throw explainBindError(error as NodeJS.ErrnoException, request)
  }
}

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
  onceClosed(server, forget)
  return forget
}

const nativeListen = (server: AnyServer, request: ListenRequest): NativeListen =>
  request.nativeListen ?? ((...args) => Reflect.apply(server.listen, server, args))
