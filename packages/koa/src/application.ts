import { createServer, type Server } from 'node:http'
import { type AttachOptions, attach } from '@socket-port/core/adapter'
import base, { type DefaultContext, type DefaultState } from 'koa'

/** What Koa's constructor takes, and as `socketPort` the options of `@socket-port/core`. */
export type ApplicationOptions<StateT = DefaultState, ContextT = DefaultContext> = NonNullable<
  ConstructorParameters<typeof base<StateT, ContextT>>[0]
> & { socketPort?: AttachOptions | undefined }

// Uses the type of Koa itself, so that an application is assignable wherever Koa's types expect one.
type AttachedKoa = typeof base &
  (new <StateT = DefaultState, ContextT = DefaultContext>(
    options?: ApplicationOptions<StateT, ContextT>,
  ) => base<StateT, ContextT>)

/** Koa, with a `listen` that opens a server that core is attached to. */
export const AttachedKoa: AttachedKoa = class<StateT, ContextT> extends base<StateT, ContextT> {
  readonly #options: AttachOptions | undefined

  constructor(options?: ApplicationOptions<StateT, ContextT>) {
    super(options)
    this.#options = options?.socketPort
  }

  override listen(...args: unknown[]): Server {
    const server = createServer(this.callback())
    attach(server, this.#options)
    return Reflect.apply(server.listen, server, args)
  }
}
