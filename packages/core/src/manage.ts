import { explainInPlace } from './bind.ts'
import { SocketPortError } from './errors.ts'
import { readListenArguments } from './listen-arguments.ts'
import { checkManage, checkServer, resolveServe } from './options.ts'
import { ServerService, type ServiceParts } from './service.ts'
import { runningShutdown } from './shutdown.ts'
import type { AnyServer, DrainResult, ServeOptions, Service } from './types.ts'

/** What an adapter may set; where to listen is said to the server's own `listen`. */
export type ManageOptions = Omit<
  ServeOptions,
  'port' | 'host' | 'path' | 'backlog' | 'ipv6Only' | 'reusePort' | 'exclusive' | 'signal'
>

/** How a framework takes part in the end of the process. */
export type ManageParts = Pick<ServiceParts, 'finish' | 'endsElsewhere' | 'defaultHost'>

/** A server whose own `listen` and `close` are core's. */
export interface Managed<S extends AnyServer = AnyServer> {
  /** `undefined` until the server has been told to listen. */
  readonly service: Service<S> | undefined
  /** Drains; `undefined` where the server does not listen. Idempotent. */
  drain(): Promise<DrainResult | undefined>
  /**
   * The shutdown of the process, where one is under way: every drain, then the hooks. Whoever ends
   * the process elsewhere waits for it.
   */
  readonly shutdown: Promise<void> | undefined
}

/**
 * Lets the server's own `listen` inherit or bind, and its own `close` drain, in all of Node's forms:
 * what an adapter of a framework is made of. A server that listens already is taken as it is.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION, …_ALREADY_MANAGED; for
 * a server that listens, …_SHUTTING_DOWN. What goes wrong later comes as the server's 'error' event,
 * as in Node.
 */
export function manage<S extends AnyServer>(
  server: S,
  options: ManageOptions = {},
  parts: ManageParts = {},
): Managed<S> {
  checkServer(server)
  // Now, where the stack still shows who passed them.
  checkManage(options)
  if (brand in server) throw alreadyManaged()
  const managed = new ManagedServer(server, options, parts)
  if (server.listening) managed.adopt()
  Object.defineProperty(server, brand, { value: managed })
  return managed
}

/**
 * Returns the service of a managed server, where a framework's `listen` returns only the server;
 * `undefined` for any other server, and until it has been told to listen.
 */
export function serviceOf<S extends AnyServer>(server: S): Service<S> | undefined {
  return (server as { [brand]?: Managed<S> })[brand]?.service
}

// Symbol.for: another copy of this package must not manage it once more.
const brand: unique symbol = Symbol.for('@socket-port/core/managed')

const alreadyManaged = (): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_ALREADY_MANAGED',
    'the server is managed already; register the plugin, or wrap the server, only once',
  )

class ManagedServer<S extends AnyServer> implements Managed<S> {
  readonly #server: S
  readonly #options: ManageOptions
  readonly #parts: ManageParts
  readonly #nativeListen: (...args: unknown[]) => unknown
  readonly #nativeClose: (callback?: (error?: Error) => void) => unknown
  /** The program has closed the server itself, as it must once. */
  #closed = false
  service: ServerService<S> | undefined

  constructor(server: S, options: ManageOptions, parts: ManageParts) {
    const { listen, close } = server
    this.#server = server
    this.#options = options
    this.#parts = parts
    this.#nativeListen = (...args) => Reflect.apply(listen, server, args)
    this.#nativeClose = (callback) => Reflect.apply(close, server, [callback])
    server.listen = ((...args: unknown[]) => this.#listen(args)) as S['listen']
    server.close = ((callback?: (error?: Error) => void) => this.#close(callback)) as S['close']
  }

  adopt(): void {
    this.service = new ServerService(this.#server, resolveServe(this.#options), this.#parts)
    this.service.adopt()
  }

  async drain(): Promise<DrainResult | undefined> {
    return this.service?.close()
  }

  get shutdown(): Promise<void> | undefined {
    return runningShutdown()
  }

  #listen(args: unknown[]): S {
    const server = this.#server
    const call = readListenArguments(args)
    if (call === undefined || server.listening) {
      // A descriptor of the program's own, or something that Node refuses in its own words.
      this.#nativeListen(...args)
      return server
    }
    const { callback, nodeOptions } = call
    const { host } = call.options
    const defaultHost = host === this.#parts.defaultHost ? host : undefined
    if (callback !== undefined) server.once('listening', callback)
    // Node's own 'error' event is not repeated, unless only the start itself has heard it.
    let heard = false
    try {
      const asked = { ...call.options, host: defaultHost === undefined ? host : undefined }
      const options = resolveServe({ ...this.#options, ...asked })
      const onError = (error: NodeJS.ErrnoException): void => {
        explainInPlace(error, options)
        heard = server.listenerCount('error') > 0
      }
      const nativeListen = this.#nativeListen
      const parts = { ...this.#parts, nativeListen, nodeOptions, defaultHost, onError }
      this.service = new ServerService(server, options, parts)
      this.#closed = false
      this.service.start().catch((error) => heard || this.#closed || this.#fail(error))
    } catch (error) {
      this.#fail(error)
    }
    return server
  }

  #close(callback?: (error?: Error) => void): S {
    const { service } = this
    if (service === undefined || (this.#closed && service.state === 'closed')) {
      this.#nativeClose(callback)
    } else if (this.#closed) {
      // Not before the drain is over: Node's own close would cut its idle connections.
      service.close().then(() => this.#nativeClose(callback))
    } else {
      // A drain may be under way or over already: then this close finds the work done.
      this.#closed = true
      service.close().then(() => callback?.())
    }
    return this.#server
  }

  #fail(error: unknown): void {
    process.nextTick(() => this.#server.emit('error', error))
  }
}
