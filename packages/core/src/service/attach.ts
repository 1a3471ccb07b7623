import { SocketPortError } from '../base/errors.ts'
import { ownListener } from '../base/own-listener.ts'
import type { AnyServer, DrainResult, Logger, Service } from '../base/types.ts'
import { checkServer, resolveLogger } from '../base/validate.ts'
import { hooksAhead, runningShutdown } from '../lifecycle/process-shutdown.ts'
import { explainInPlace } from '../listen/bind.ts'
import { closeOnAbort } from '../listen/listen.ts'
import { attachedMark } from '../process/own-servers.ts'
import { claimSuccessor } from '../process/successor.ts'
import { type ListenCall, readListenArguments } from './node-listen.ts'
import { type AttachOptions, checkAttach, resolveServe } from './options.ts'
import { ServerService, type ServiceParts } from './service.ts'

/** How a framework takes part in the shutdown of the process. */
export type AttachParts = Pick<
  ServiceParts,
  'onDrain' | 'finish' | 'endsElsewhere' | 'defaultHost' | 'announces'
>

/** A server whose own `listen` and `close` are core's. */
export interface Attached<S extends AnyServer = AnyServer> {
  /** `undefined` until the server has been told to listen. */
  readonly service: Service<S> | undefined
  /** Where messages about this server go: the option, or its default. */
  readonly logger: Logger
  /**
   * Drains; `undefined` where the server does not listen. Idempotent. With `quick` idle connections
   * are closed at once, but not while the process shuts down: their clients go to the next process.
   */
  drain(options?: { quick?: boolean }): Promise<DrainResult | undefined>
  /**
   * The running shutdown of the process: every drain, then the hooks. A framework that ends
   * the process elsewhere waits for it.
   */
  readonly shutdown: Promise<void> | undefined
}

/**
 * Lets the server's own `listen` inherit or bind, and its own `close` drain, in all of Node's forms:
 * what an adapter of a framework is made of. A server that listens already is taken as it is.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION, …_ALREADY_ATTACHED; for
 * a server that listens, …_SHUTTING_DOWN. What goes wrong later comes as the server's 'error' event,
 * as in Node.
 */
export function attach<S extends AnyServer>(
  server: S,
  options: AttachOptions = {},
  parts: AttachParts = {},
): Attached<S> {
  checkServer(server)
  // Check now: the stack shows which call passed them.
  checkAttach(options, server)
  claimSuccessor()
  if (attachedMark in server) throw alreadyAttached()
  const attached = new AttachedServer(server, options, parts)
  if (server.listening) attached.attach()
  Object.defineProperty(server, attachedMark, { value: attached })
  return attached
}

/**
 * Returns the service of an attached server, where a framework's `listen` returns only the server;
 * `undefined` for any other server, and until it has been told to listen.
 */
export function serviceOf<S extends AnyServer>(server: S): Service<S> | undefined {
  return (server as { [attachedMark]?: Attached<S> })[attachedMark]?.service
}

const alreadyAttached = (): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_ALREADY_ATTACHED',
    'the server is attached already; register the plugin, or wrap the server, only once',
  )

/** One call of `listen`, until the server has closed. */
interface Start<S extends AnyServer> {
  readonly service: ServerService<S>
  /** The program has closed the server, which it does once. */
  closed: boolean
  /**
   * `called`: Node's own `listen` was called, so closing ends with a 'close' event. `ended`: the server has emitted
   * 'close', or could not listen.
   */
  phase: 'waiting' | 'called' | 'ended'
}

class AttachedServer<S extends AnyServer> implements Attached<S> {
  readonly #server: S
  readonly #options: AttachOptions
  readonly #parts: AttachParts
  readonly #nativeListen: (...args: unknown[]) => unknown
  readonly #nativeClose: (callback?: (error?: Error) => void) => unknown
  #start: Start<S> | undefined
  /** Those that have not ended. */
  readonly #starts = new Set<Start<S>>()
  /** Node's own `close` was called, and its 'close' event has still to come. */
  #closing = false

  constructor(server: S, options: AttachOptions, parts: AttachParts) {
    const { listen, close } = server
    this.#server = server
    this.#options = options
    this.#parts = parts
    this.#nativeListen = (...args) => Reflect.apply(listen, server, args)
    this.#nativeClose = (callback) => Reflect.apply(close, server, [callback])
    server.listen = ((...args: unknown[]) => this.#listen(args)) as S['listen']
    server.close = ((callback?: (error?: Error) => void) => this.#close(callback)) as S['close']
  }

  get service(): ServerService<S> | undefined {
    return this.#start?.service
  }

  get logger(): Logger {
    return resolveLogger(this.#options.logger)
  }

  attach(): void {
    const service = new ServerService(this.#server, resolveServe(this.#options), this.#parts)
    service.attach()
    this.#begin(service).phase = 'called'
  }

  async drain({ quick = false } = {}): Promise<DrainResult | undefined> {
    return this.service?.close({ quick: quick && this.shutdown === undefined })
  }

  get shutdown(): Promise<void> | undefined {
    return runningShutdown()
  }

  #listen(args: unknown[]): S {
    const server = this.#server
    if (this.#isClosing()) {
      // Wait for the 'close' event of the previous listen. Node would listen at once.
      server.once('close', () => this.#listen(args))
      return server
    }
    const call = readListenArguments(args)
    if (call === undefined || server.listening) {
      // A descriptor of the program's own, or something that Node refuses in its own words.
      this.#nativeListen(...args)
      return server
    }
    if (call.callback !== undefined) server.once('listening', call.callback)
    if (call.signal?.aborted) {
      // As Node does, which listens, and closes before the 'listening' event.
      process.nextTick(() => server.close())
      return server
    }
    try {
      this.#listenFor(call)
    } catch (error) {
      this.#fail(error)
    }
    return server
  }

  #listenFor({ options: asked, nodeOptions, signal }: ListenCall): void {
    const server = this.#server
    const { host } = asked
    const defaultHost = host === this.#parts.defaultHost ? host : undefined
    const named = { ...asked, host: defaultHost === undefined ? host : undefined }
    const options = resolveServe({ ...this.#options, ...named })
    // Whether the program has heard Node's own 'error' event, which then is not repeated.
    let heard = false
    const onError = (error: NodeJS.ErrnoException): void => {
      heard = server.listenerCount('error') > 0
      // Otherwise the error that follows explains it, with this one as its cause.
      if (heard) explainInPlace(error, options)
      // Before the program's listeners run: one of them may let the server listen again.
      this.#end(start)
    }
    const nativeListen = (...args: unknown[]): unknown => {
      if (start.phase === 'waiting') start.phase = 'called'
      return this.#nativeListen(...args)
    }
    const parts = { nativeListen, nodeOptions, defaultHost, onError }
    const service = new ServerService(server, options, { ...this.#parts, ...parts })
    const start = this.#begin(service)
    if (signal !== undefined) closeOnAbort(server, signal)
    service.start().catch((error) => {
      if (heard || start.closed) return
      this.#end(start)
      // The program closed the server before it listened. Tell a framework that waits for the outcome, but do
      // not crash a program that has no 'error' listener.
      const isClosed = error.code === 'ERR_SOCKET_PORT_CLOSED'
      if (!isClosed || server.listenerCount('error') > 0) this.#fail(error)
    })
  }

  #begin(service: ServerService<S>): Start<S> {
    const start: Start<S> = { service, closed: false, phase: 'waiting' }
    this.#start = start
    this.#starts.add(start)
    this.#watchClose()
    return start
  }

  /** The start listens no longer: the server has closed, or could not listen. */
  #end(start: Start<S>): void {
    start.phase = 'ended'
    this.#starts.delete(start)
  }

  /** Puts our listener ahead of the program's, which may let the server listen again. */
  #watchClose(): void {
    this.#server.off('close', this.#onClose).prependListener('close', this.#onClose)
  }

  readonly #onClose = ownListener(() => {
    this.#closing = false
    for (const start of this.#starts) this.#end(start)
  })

  /** The 'close' event of an earlier listen has still to come. */
  #isClosing(): boolean {
    if (this.#closing) return true
    const start = this.#start
    if (start === undefined || start.phase === 'ended') return false
    return start.closed || start.service.state !== 'ready'
  }

  #close(callback?: (error?: Error) => void): S {
    const start = this.#start
    const done = typeof callback === 'function' ? callback : undefined
    if (start === undefined || isOver(start)) {
      this.#closeNow(done)
    } else if (start.closed) {
      // Do not call Node's own close, which would cut idle connections. Report to a second call what Node reports.
      if (done !== undefined) this.#server.once('close', () => done(notRunning()))
    } else {
      // If a drain is under way or over already, this joins it.
      start.closed = true
      const hooks = this.#parts.finish === undefined ? hooksAhead() : undefined
      // A callback that ends the process must not keep the shutdown hooks from running.
      start.service
        .close()
        .then(() => hooks)
        .then(() => {
          if (start.phase === 'ended' || start.service.hasListened) done?.()
          else if (start.phase === 'called') this.#server.once('close', () => done?.())
          else this.#closeNow(() => done?.())
        })
    }
    return this.#server
  }

  #closeNow(callback: ((error?: Error) => void) | undefined): void {
    this.#closing = true
    this.#watchClose()
    this.#nativeClose(callback)
  }

  #fail(error: unknown): void {
    process.nextTick(() => this.#server.emit('error', error))
  }
}

/** Nothing is left to close: the program has closed the server, or the server could not listen. */
const isOver = ({ closed, phase, service }: Start<AnyServer>): boolean =>
  phase === 'ended' && (closed || !service.hasListened)

// As Node's own (lib/internal/errors.js).
const notRunning = (): Error =>
  Object.assign(new Error('Server is not running.'), { code: 'ERR_SERVER_NOT_RUNNING' })
