import type { AttachOptions } from '@socket-port/core/adapter'
import base, {
  type Application,
  application,
  type CookieOptions,
  type Errback,
  type ErrorRequestHandler,
  type Express,
  type Handler,
  type IRoute,
  type IRouter,
  type IRouterHandler,
  type IRouterMatcher,
  json,
  type Locals,
  type MediaType,
  type NextFunction,
  type Request,
  type RequestHandler,
  type RequestParamHandler,
  type Response,
  Router,
  type RouterOptions,
  raw,
  request,
  response,
  type Send,
  static as serveStatic,
  text,
  urlencoded,
} from 'express'
import { createApplication } from './application.ts'

/**
 * Creates an Express application whose `listen` inherits or binds its socket. The server drains on
 * SIGTERM and SIGINT, and when it is told to `close`.
 *
 * @throws {SocketPortError} From `listen`, for wrong options: ERR_SOCKET_PORT_INVALID_OPTION,
 * ERR_SOCKET_PORT_UNKNOWN_OPTION. Later errors are reported as Express does: to the callback of `listen` (Express 5), or else
 * as the server's 'error' event.
 */
function express(options?: AttachOptions): Express {
  return createApplication(options)
}

// Copies every static property of Express, also those without an export here, such as the getters of Express 4 that name what
// was removed.
Object.defineProperties(express, Object.getOwnPropertyDescriptors(base))

interface Statics {
  Route: new (path: string) => IRoute
  query: typeof base extends { query: infer Query } ? Query : undefined
}
const statics = base as unknown as Statics

const Route: Statics['Route'] = statics.Route

/** Only Express 4 has it; `undefined` in Express 5. */
const query: Statics['query'] = statics.query

declare namespace express {
  export {
    type Application,
    application,
    type CookieOptions,
    type Errback,
    type ErrorRequestHandler,
    type Express,
    type Handler,
    type IRoute,
    type IRouter,
    type IRouterHandler,
    type IRouterMatcher,
    json,
    type Locals,
    type MediaType,
    type NextFunction,
    query,
    type Request,
    type RequestHandler,
    type RequestParamHandler,
    type Response,
    Route,
    Router,
    type RouterOptions,
    raw,
    request,
    response,
    type Send,
    serveStatic as static,
    text,
    urlencoded,
  }
}

export {
  type Application,
  type AttachOptions,
  application,
  type CookieOptions,
  type Errback,
  type ErrorRequestHandler,
  type Express,
  express as default,
  // What `require` returns (nodejs.org/api/modules.html#loading-ecmascript-modules-using-require).
  express as 'module.exports',
  type Handler,
  type IRoute,
  type IRouter,
  type IRouterHandler,
  type IRouterMatcher,
  json,
  type Locals,
  type MediaType,
  type NextFunction,
  query,
  type Request,
  type RequestHandler,
  type RequestParamHandler,
  type Response,
  Route,
  Router,
  type RouterOptions,
  raw,
  request,
  response,
  type Send,
  serveStatic as static,
  text,
  urlencoded,
}
