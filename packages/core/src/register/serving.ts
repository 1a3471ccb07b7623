import '../base/refuse-runtime.ts'
import type { Server } from 'node:net'
import { defaultLogger as logger } from '../base/logger.ts'
import type { AnyServer } from '../base/types.ts'
import { listenForRestartAgain, receiveRestart, restartSignal } from '../handover/restart-signal.ts'
import { processShutdown } from '../lifecycle/process-shutdown.ts'
import { isTaken } from '../listen/candidate.ts'
import type { Entry } from '../listen/passed-sockets.ts'
import { isHttp1Server, isHttp2Server } from '../node/server-kind.ts'
import { markHelpers } from '../process/environment.ts'
import { attach, serviceOf } from '../service/attach.ts'
import { type ListenCall, readListenArguments } from '../service/node-listen.ts'
import { warnOfCluster } from './cluster.ts'
import { holdClose } from './held-close.ts'
import { HeldSignals } from './held-signals.ts'
import { readRegisterOptions } from './options.ts'
import { type Preloaded, preloaded } from './preloaded.ts'
import { Unmatched } from './unmatched.ts'
import { whichSocket } from './which-socket.ts'

const preload = preloaded.current as Preloaded
const options = readRegisterOptions(process.env, logger)
const signals = new HeldSignals()
const unmatched = new Unmatched(logger)

/** The server that has taken a socket, the last one. */
const takers = new WeakMap<Entry, WeakRef<AnyServer>>()

// A program may close its server and let a new one listen at once. To Node the port is free then, although the drain
// of the old server goes on.
function isFree(entry: Entry): boolean {
  const taker = takers.get(entry)?.deref()
  return !isTaken(entry) || (taker !== undefined && serviceOf(taker)?.state !== 'ready')
}

/**
 * Lets the server listen, and serves it as `attach` does, if the manager passed its socket, or passed none at all.
 * Returns `undefined` for every other server, whose listening stays Node's.
 */
export function listenFor(server: AnyServer, args: readonly unknown[]): Server | undefined {
  const call = server.listening ? undefined : readListenArguments(args)
  if (call === undefined) return undefined
  const isHttp = isHttp1Server(server) || isHttp2Server(server)
  try {
    const take = unmatched.isOver ? 'exact' : options.take
    const answer = whichSocket(call, isFree, isHttp ? take : undefined, logger)
    if (!isHttp) {
      if (answer.kind === 'passed') warnOfCluster(answer.entry, logger)
      return undefined
    }
    if (answer.kind === 'passed') return serveOn(answer.entry, server, call)
    if (answer.kind === 'none') return asksForAnyPort(call) ? undefined : serve(server)(...args)
    const first = take === 'first' ? answer.passed.find(isFree) : undefined
    if (first !== undefined) return serveOn(first, server, call)
    unmatched.add(server, describe(call), answer.kept)
  } catch (error) {
    logger.debug(`left to Node: ${(error as Error).message}`)
  }
  return undefined
}

// By the address of the socket itself: the program chose its host for a socket of its own, and a warning that the two
// differ would repeat what the manager's configuration says.
function serveOn(entry: Entry, server: AnyServer, { signal, callback }: ListenCall): Server {
  unmatched.end()
  takers.set(entry, new WeakRef(server))
  const { address, port, path, ipv6Only } = entry
  const where = path === undefined ? { port, host: address, ipv6Only: ipv6Only ?? false } : { path }
  return serve(server)({ ...where, signal }, callback)
}

function serve(server: AnyServer): (...args: unknown[]) => Server {
  const before = preload.served.get(server) ?? attachTo(server)
  return (...args) => Reflect.apply(before, server, args)
}

function attachTo(server: AnyServer): Server['listen'] {
  preload.onSignal ??= (signal, pass) => signals.onSignal(signal, pass)
  preload.onRemoved ??= () => {
    processShutdown().listenAgain()
    listenForRestartAgain()
  }
  // The program hears the SIGTERM that follows. Its own listeners for SIGUSR2 are for another purpose, or for every
  // signal (`enableShutdownHooks` of NestJS), and would cut requests.
  preload.onRestart ??= (event) => (event === restartSignal() ? receiveRestart() : undefined)
  markHelpers()
  // `attach` replaces `listen` of the server, and calls the one that it finds. A `listen` of the program's own leads
  // here, and must stay where it is.
  const own = Object.getOwnPropertyDescriptor(server, 'listen')
  server.listen = preload.listen
  // `shared`, for the socket of a server that closes.
  attach(
    server,
    { ...options.attach, shared: true },
    { endsElsewhere: () => signals.isProgramsEnd },
  )
  const { listen } = server
  if (own === undefined) Reflect.deleteProperty(server, 'listen')
  else Object.defineProperty(server, 'listen', own)
  holdClose(server, () => signals.isHolding)
  preload.served.set(server, listen)
  return listen
}

// Helpers and tests of a program listen there: no manager keeps such a socket.
const asksForAnyPort = ({ options: { port, path } }: ListenCall): boolean =>
  path === undefined && (port === undefined || Number(port) === 0)

const describe = ({ options: { port = 0, host, path } }: ListenCall): string =>
  path ?? (host === undefined ? String(port) : `${port} on ${host}`)
