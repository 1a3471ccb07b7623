import {
  type Attached,
  type AttachOptions,
  type AttachParts,
  attach,
  type Service,
  SocketPortError,
} from '@socket-port/core/adapter'
import type { FastifyInstance, RawServerBase } from 'fastify'
import { hasOwnServer, watchBindings } from './fastify-internals.ts'
import { runPreCloseHooks } from './pre-close.ts'

// What Fastify listens on where the program names no host.
const DEFAULT_HOST = 'localhost'

// Longer than any name (RFC 1035): its look-up fails at once, and asks nobody.
const NO_NAME = 'x'.repeat(256)

/** The servers of one application: its own, and those for the other addresses of `localhost`. */
export class Servers {
  readonly #fastify: FastifyInstance
  readonly #server: RawServerBase
  readonly #main: Attached
  readonly #further: Attached[] = []
  readonly #seesFurther: boolean
  /** Whether `app.close()` waits for no idle connection. */
  readonly #quick: boolean
  /** What `listen` was told; Fastify reads it again when the server listens. */
  #options: { host?: unknown; cb?: unknown } = {}
  #restore = (): void => {}
  /** The preClose hooks, once the drain has begun. */
  #preClose: Promise<void> | undefined
  /** Fastify lets the server listen, and so closes it. */
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
    this.#seesFurther = watchBindings(fastify, (further) => this.#add(further, options))
    const { listen } = server
    server.listen = ((...args: unknown[]) => this.#listen(listen, args)) as typeof listen
    server.prependListener('listening', () => this.#onListening())
    fastify.addHook('onListen', async () => this.#restore())
  }

  get service(): Service | undefined {
    return this.#main.service
  }

  /** The shutdown of the process, where one is under way. */
  get shutdown(): Promise<void> | undefined {
    return this.#main.shutdown
  }

  /** Drains them all; none listens again. A server that the program made and let listen itself stays open. */
  async drain(options: { quick?: boolean } = {}): Promise<void> {
    if (!this.#listens && this.#server.listening && hasOwnServer(this.#fastify)) return
    this.#closed = true
    const quick = options.quick || this.#quick
    await Promise.all([this.#main, ...this.#further].map((attached) => attached.drain({ quick })))
    // The onClose hooks come next: an error is said by core, where the drain began.
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

  // Fastify has added `cb` to the options (lib/server.js, listen), so it is ready, and its own onClose hook, after
  // which it answers with 503, is registered. What is registered last runs first.
  #drainFirst(): void {
    this.#listens = true
    const closing = this.#fastify as unknown as { onClose(hook: () => Promise<void>): void }
    closing.onClose(() => this.drain())
  }

  // Comes before Fastify's own listener, which looks up `options.host` to open a server for each
  // further address (lib/server.js, multipleBindings), and then calls the onListen hooks.
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

// After the look-up Fastify asks for it without a check, and the program when `listen` is done; a
// drain may have closed the server.
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
