import { createRequire } from 'node:module'
import { Server } from 'node:net'
import { isMainThread } from '../base/built-in.ts'
import { isHttp1Server, isHttp2Server } from '../node/server-kind.ts'
import { claim, isHelper, look } from '../process/environment.ts'
import { isOwnServer, isStarting } from '../process/own-servers.ts'
import { type Preloaded, preloaded } from './preloaded.ts'
import { watchSignals } from './process-events.ts'

/*
 * This file and what it imports are all that is loaded in a program that never listens, such as npm. They are built
 * as one small file of CommonJS, because `--require` can load no module of another kind on every supported Node. The
 * rest of the package is loaded when the first HTTP server listens.
 */

type Serving = typeof import('./serving.ts')

const require = createRequire(import.meta.url)

// Two copies of this file would serve a server twice.
if (preloaded.current === undefined && !isHelper()) preloaded.get(install)

function install(): Preloaded {
  // Before the program starts: one that reads these variables itself would take fd 3, without a drain.
  claim('sockets')
  const state: Preloaded = {
    listen: Server.prototype.listen,
    served: new WeakMap(),
    onSignal: undefined,
    onRemoved: undefined,
    onRestart: undefined,
  }
  replaceListen(state)
  watchSignals(state)
  return state
}

function replaceListen(state: Preloaded): void {
  const { listen } = state
  let loaded: { serving: Serving | undefined } | undefined
  const serving = (): Serving | undefined => {
    loaded ??= { serving: loadServing() }
    return loaded.serving
  }

  // On the class of node:net: the servers of http, https and http2 inherit it, and programs that borrow
  // `net.Server.prototype.listen` find it too.
  Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
    const isOurs = !isOwnServer(this) || (state.served.has(this) && !isStarting(this))
    const handled = isOurs && mayConcern(this) ? serving()?.listenFor(this, args) : undefined
    return handled ?? Reflect.apply(listen, this, args)
  }
}

function loadServing(): Serving | undefined {
  try {
    // A worker thread has no signals, and no sockets of its own. Asked for only now, because it loads a module of Node.
    if (!isMainThread()) return undefined
    return require('./register/serving.js')
  } catch (error) {
    process.stderr.write(`socket-port: warning: ${whyNot(error as NodeJS.ErrnoException)}\n`)
    return undefined
  }
}

// Where sockets were passed, a plain server may be the one that a cluster opens for its workers.
const mayConcern = (server: Server): boolean =>
  isHttp1Server(server) || isHttp2Server(server) || look('sockets').LISTEN_FDS !== undefined

const whyNot = ({ code, message }: NodeJS.ErrnoException): string =>
  code === 'ERR_REQUIRE_ESM' || process.getBuiltinModule === undefined
    ? `the server listens without socket-port: its preload needs Node.js 20.19, 22.12 or later, and this is ${process.version}`
    : `the server listens without socket-port, which cannot be loaded: ${message}`
