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
 * ERR_SOCKET_PORT_UNKNOWN_OPTION. Later errors are emitted as the server's 'error' event.
 */
class Application<StateT = DefaultState, ContextT = DefaultContext> extends AttachedKoa<
  StateT,
  ContextT
> {
  // For CommonJS that was compiled from an ES module. The inherited property would be Koa's own class, which does not drain.
  static get default(): typeof Application {
    return Application
  }
}

/** The class of the errors that `ctx.throw` and `ctx.assert` throw. */
const HttpError: typeof base.HttpError = base.HttpError

interface ErrorHelpers {
  createHttpError: (...args: unknown[]) => InstanceType<typeof base.HttpError>
  isHttpError: (error: unknown) => error is InstanceType<typeof base.HttpError>
}
const helpers = base as typeof base & ErrorHelpers

/** Only Koa 3.3 and later has it; `undefined` before. */
const createHttpError: ErrorHelpers['createHttpError'] = helpers.createHttpError

/** Only Koa 3.3 and later has it; `undefined` before. */
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
