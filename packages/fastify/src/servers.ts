import {
  type Attached,
  type AttachOptions,
  type AttachParts,
  attach,
  type Service,
  SocketPortError,
} from '@socket-port/core/adapter'
import type { FastifyInstance, RawServerBase } from 'fastify'
import { watchCallback } from './callback-error.ts'
import { hasOwnServer, watchBindings } from './fastify-internals.ts'
import { runPreCloseHooks } from './pre-close.ts'

// The host on which Fastify listens if the program names none.
const DEFAULT_HOST = 'localhost'

// Longer than any host name (RFC 1035), so its look-up fails at once, without a request to a name server.
const NO_NAME = 'x'.repeat(256)

/** The servers of one application: its own, and those for the other addresses of `localhost`. */
export class Servers {
  readonly #fastify: FastifyInstance
  readonly #server: RawServerBase
  readonly #main: Attached
  readonly #further: Attached[] = []
  readonly #seesFurther: boolean
  /** Whether `app.close()` closes idle connections at once (`forceCloseConnections`). */
  readonly #quick: boolean
  /** The options of `listen`. Fastify reads them again when the server listens. */
  #options: { host?: unknown; cb?: unknown } = {}
  #restore = (): void => {}
  /** The preClose hooks, once the drain has begun. */
  #preClose: Promise<void> | undefined
  /** Fastify itself has called `listen` of the server, and so closes the server. */
  #listens = false
  #closed = false

  constructor(fastify: FastifyInstance, options: AttachOptions, parts?: AttachParts) {
    const { server } = fastify
    this.#fastify = fastify
    this.#server = server
    this.#quick = fastify.initialConfig.forceCloseConnections === true
    const closeFastify = (): Promise<void> => fastify.close()
    const own = { finish: closeFastify, defaultHost: DEFAULT_HOST, announces: true }
    const onDrain = (): Promise<unknown> => Promise.all([this.#onDrain(), parts?.onDrain?.()])
    this.#main = attach(server, options, { ...own, ...parts, onDrain })
    watchCallback(fastify, this.#main.logger)
    this.#seesFurther = watchBindings(fastify, (further) => this.#add(further, options))
    const { listen } = server
    server.listen = ((...args: unknown[]) => this.#listen(listen, args)) as typeof listen
    server.prependListener('listening', () => this.#onListening())
    fastify.addHook('onListen', async () => this.#restore())
  }

  get service(): Service | undefined {
    return this.#main.service
  }

  /** The shutdown of the process; `undefined` while there is none. */
  get shutdown(): Promise<void> | undefined {
    return this.#main.shutdown
  }

  /** Drains all servers; none listens again. A server that the program created and called `listen` on stays open. */
  async drain(options: { quick?: boolean } = {}): Promise<void> {
    if (!this.#listens && this.#server.listening && hasOwnServer(this.#fastify)) return
    this.#closed = true
    const quick = options.quick || this.#quick
    await Promise.all([this.#main, ...this.#further].map((attached) => attached.drain({ quick })))
    // Errors of preClose hooks do not stop the onClose hooks, which come next: core has reported them where the drain began.
    await this.#preClose?.catch(() => {})
  }

  #onDrain(): Promise<void> {
    this.#preClose = runPreCloseHooks(this.#fastify)
    return this.#preClose
  }

  #listen(listen: RawServerBase['listen'], args: unknown[]): RawServerBase {
    const server = this.#server
    if (this.#closed) {
      process.nextTick(() => server.emit('error', closedTooEarly()))
      return server
    }
    this.#options = Object(args[0])
    if (!this.#listens && this.#options.cb !== undefined) this.#drainFirst()
    return Reflect.apply(listen, server, args)
  }

  // Makes the drain the first onClose hook. Fastify has added `cb` to the options (lib/server.js, listen), so it is ready, and
  // has registered its own onClose hook, after which it answers with 503. The hook that is registered last runs first.
  #drainFirst(): void {
    this.#listens = true
    const closing = this.#fastify as unknown as { onClose(hook: () => Promise<void>): void }
    closing.onClose(() => this.drain())
  }

  // Runs before Fastify's own listener, which looks up `options.host` to open a server for each further address
  // (lib/server.js, multipleBindings), and then calls the onListen hooks.
  #onListening(): void {
    const options = this.#options
    if (options.host !== DEFAULT_HOST) return
    if (this.service?.source === 'bound' && this.#seesFurther) {
      this.#restore = keepAddress(this.#server)
    } else {
      options.host = NO_NAME
      this.#restore = () => {
        options.host = DEFAULT_HOST
      }
    }
  }

  #add(server: RawServerBase, options: AttachOptions): void {
    try {
      this.#further.push(attach(server, options))
    } catch {
      // The process is shutting down: nothing is served there yet.
      server.close()
    }
  }
}

// Keeps `server.address()` valid until `listen` is done: Fastify reads it after the look-up without a check, and the program
// after `listen`, but a drain may have closed the server.
function keepAddress(server: RawServerBase): () => void {
  const { address } = server
  const known = server.address()
  server.address = () => Reflect.apply(address, server, []) ?? known
  return () => {
    if (server.listening) server.address = address
  }
}

const closedTooEarly = (): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_CLOSED',
    'the application was closed before it listened; await listen() before closing it',
  )
