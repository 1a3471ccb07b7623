import type { AttachOptions } from '@socket-port/core/adapter'
import base, {
  type BaseContext,
  type BaseRequest,
  type BaseResponse,
  type Context,
  type DefaultContext,
  type DefaultContextDelegatedRequest,
  type DefaultContextDelegatedResponse,
  type DefaultContextExtends,
  type DefaultState,
  type DefaultStateExtends,
  type ExtendableContext,
  type Middleware,
  type Next,
  type ParameterizedContext,
  type Request,
  type Response,
} from 'koa'
import { type ApplicationOptions, AttachedKoa } from './application.ts'

/**
 * A Koa application whose `listen` inherits or binds its socket. The server drains on SIGTERM and
 * SIGINT, and when it is told to `close`. The constructor takes what Koa's does, and as `socketPort`
 * the options of `@socket-port/core`.
 *
 * @throws {SocketPortError} From `listen`, for wrong options: ERR_SOCKET_PORT_INVALID_OPTION,
 * ERR_SOCKET_PORT_UNKNOWN_OPTION. What goes wrong later comes as the server's 'error' event.
 */
class Application<StateT = DefaultState, ContextT = DefaultContext> extends AttachedKoa<
  StateT,
  ContextT
> {
  // For CommonJS that was compiled from an ES module. Koa's own is Koa, which does not drain.
  static get default(): typeof Application {
    return Application
  }
}

/** The class of what `ctx.throw` and `ctx.assert` throw. */
const HttpError: typeof base.HttpError = base.HttpError

interface ErrorHelpers {
  createHttpError: (...args: unknown[]) => InstanceType<typeof base.HttpError>
  isHttpError: (error: unknown) => error is InstanceType<typeof base.HttpError>
}
const helpers = base as typeof base & ErrorHelpers

/** Of Koa 3.3 and later; before, it is `undefined`. */
const createHttpError: ErrorHelpers['createHttpError'] = helpers.createHttpError

/** Of Koa 3.3 and later; before, it is `undefined`. */
const isHttpError: ErrorHelpers['isHttpError'] = helpers.isHttpError

declare namespace Application {
  export {
    type BaseContext,
    type BaseRequest,
    type BaseResponse,
    type Context,
    createHttpError,
    type DefaultContext,
    type DefaultContextDelegatedRequest,
    type DefaultContextDelegatedResponse,
    type DefaultContextExtends,
    type DefaultState,
    type DefaultStateExtends,
    type ExtendableContext,
    HttpError,
    isHttpError,
    type Middleware,
    type Next,
    type ParameterizedContext,
    type Request,
    type Response,
  }
}

export {
  Application,
  Application as default,
  // What `require` returns (nodejs.org/api/modules.html#loading-ecmascript-modules-using-require).
  Application as 'module.exports',
  type ApplicationOptions,
  type AttachOptions,
  type BaseContext,
  type BaseRequest,
  type BaseResponse,
  type Context,
  createHttpError,
  type DefaultContext,
  type DefaultContextDelegatedRequest,
  type DefaultContextDelegatedResponse,
  type DefaultContextExtends,
  type DefaultState,
  type DefaultStateExtends,
  type ExtendableContext,
  HttpError,
  isHttpError,
  type Middleware,
  type Next,
  type ParameterizedContext,
  type Request,
  type Response,
}
