import { isIPv4, isIPv6, Server as NetServer } from 'node:net'
import { resolve } from 'node:path'
import { encodeStored, LONGEST_STORED_NAME } from '../listen/fd-name.ts'
import type { Wanted } from '../listen/match.ts'
import { kernelPath } from '../proc/sockets.ts'
import { successorRuns } from '../process/successor.ts'
import { SocketPortError } from './errors.ts'
import { defaultLogger } from './logger.ts'
import { quote } from './quote.ts'
import type {
  AnyServer,
  DrainOptions,
  ListenOptions,
  Logger,
  ServeOptions,
  ShutdownSignal,
  SocketQuery,
} from './types.ts'

/** What `listen` takes: a port, or options. */
export type Target<O extends ListenOptions = ListenOptions> = number | string | O

export interface ResolvedListen extends Wanted {
  /** As Node's `listen` takes it; `wanted.path` is how the kernel shows it. */
  bindPath: string | undefined
  inherit: 'prefer' | 'require' | 'never'
  backlog: number
  reusePort: boolean
  exclusive: boolean
  mode: number | undefined
  killPort: boolean | 'force'
  fdStore: boolean
  signal: AbortSignal | undefined
  logger: Logger
}

export interface ResolvedDrain {
  delay: number
  idleTimeout: number
  timeout: number
  /** `undefined`: as the manager says when the drain begins. */
  successor: 'after-exit' | 'running' | undefined
  idle: 'auto' | 'promise' | 'handover'
}

export interface ResolvedServe extends ResolvedListen {
  drain: ResolvedDrain
  signals: readonly ShutdownSignal[]
  exit: boolean
  idleExit: number | undefined
  notify: boolean
}

const LISTEN_KEYS: readonly string[] = [
  ...['port', 'host', 'path', 'name', 'ipv6Only', 'shared', 'logger'],
  ...['inherit', 'backlog', 'reusePort', 'exclusive', 'mode', 'killPort', 'fdStore'],
  'signal',
]
const SERVE_KEYS = [...LISTEN_KEYS, 'drain', 'signals', 'exit', 'idleExit', 'notify']
const ATTACH_KEYS = [
  ...['name', 'shared', 'logger', 'inherit', 'mode', 'killPort', 'drain', 'signals', 'exit'],
  ...['fdStore', 'idleExit', 'notify'],
]
const DRAIN_KEYS = ['delay', 'idleTimeout', 'timeout', 'successor', 'idle']

// setTimeout fires at once for anything longer.
const LONGEST_TIMEOUT = 2 ** 31 - 1

// sizeof(sun_path) less its NUL: 108 on Linux (unix(7)), 104 on the BSDs and macOS.
export const LONGEST_PATH: number = process.platform === 'linux' ? 107 : 103

/** Throws ERR_SOCKET_PORT_INVALID_OPTION for what is not a server, such as an Express application. */
export function checkServer(server: unknown): asserts server is AnyServer {
  if (server instanceof NetServer) return
  throw invalid('server', server, 'of node:net, http, https or http2: http.createServer(app)')
}

/** Checks and completes what `listen` was given; throws ERR_SOCKET_PORT_INVALID_… or …_UNKNOWN_OPTION. */
export function resolveListen(target: Target): ResolvedListen {
  const options = toOptions(target)
  checkKeys(options, LISTEN_KEYS, 'option')
  return resolveListenOptions(options)
}

/** As {@link resolveListen}, with the options of `serve`. */
export function resolveServe(target: Target<ServeOptions>): ResolvedServe {
  const options = toOptions(target)
  checkKeys(options, SERVE_KEYS, 'option')
  const { signals, exit, drain, idleExit, notify }: ServeOptions = options
  return {
    ...resolveListenOptions(options),
    drain: resolveDrain(drain === undefined ? {} : drain),
    signals: shutdownSignals(signals),
    exit: flag('exit', exit, true),
    idleExit: integer('idleExit', idleExit, 1, LONGEST_TIMEOUT, 'milliseconds'),
    notify: flag('notify', notify, true),
  }
}

/** Checks what `attach` was given: the options of `serve`, less those that `server.listen` takes. */
export function checkAttach(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid('options', options, 'an object; the port goes to listen()')
  }
  checkKeys(options, ATTACH_KEYS, 'option of an attached server')
  resolveServe(options)
}

/** Checks and completes the options of the drain. */
export function resolveDrain(options: DrainOptions): ResolvedDrain {
  if (typeof options !== 'object' || options === null) throw invalid('drain', options, 'an object')
  checkKeys(options, DRAIN_KEYS, 'drain option')
  // Read early, also where the program knows better: it must not reach a child process.
  successorRuns()
  const resolved: ResolvedDrain = {
    delay: milliseconds('drain.delay', options.delay, 0),
    idleTimeout: milliseconds('drain.idleTimeout', options.idleTimeout, 5_000),
    timeout: milliseconds('drain.timeout', options.timeout, 25_000),
    successor: oneOf('drain.successor', options.successor, ['after-exit', 'running'], undefined),
    idle: oneOf('drain.idle', options.idle, ['auto', 'promise', 'handover'], 'auto'),
  }
  if (resolved.delay > 0 && resolved.delay >= resolved.timeout) {
    throw invalid('drain.delay', resolved.delay, `shorter than drain.timeout (${resolved.timeout})`)
  }
  return resolved
}

/** A duration in milliseconds that a timer can hold. */
export function milliseconds(name: string, value: unknown, fallback: number): number {
  return integer(name, value, 0, LONGEST_TIMEOUT, 'milliseconds') ?? fallback
}

function resolveListenOptions(options: ListenOptions): ResolvedListen {
  const path = options.path === undefined ? undefined : unixPath(options.path)
  if (path !== undefined && options.port !== undefined) {
    throw invalid('path', options.path, 'absent where a port is given: pass one of the two')
  }
  // A variable of the environment that is not set gives such a key, and no port was meant by it.
  const forgotten = 'port' in options && path === undefined && options.name === undefined
  const portGiven = options.port !== undefined
  const port = resolvePort(portGiven || forgotten ? options.port : 0)
  if (options.ipv6Only === true && isIPv4(options.host ?? '')) {
    throw invalid('ipv6Only', true, `false where the host is ${options.host}, an IPv4 address`)
  }
  return {
    port,
    portGiven,
    host: hostOf(options.host),
    path: path === undefined ? undefined : kernelPath(isAbstract(path) ? path : resolve(path)),
    bindPath: path,
    name: text('name', options.name),
    ipv6Only: flag('ipv6Only', options.ipv6Only, false),
    shared: flag('shared', options.shared, false),
    inherit: oneOf('inherit', options.inherit, ['prefer', 'require', 'never'], 'prefer'),
    // The kernel caps it at net.core.somaxconn.
    backlog: integer('backlog', options.backlog, 1, 2 ** 31 - 1, 'connections') ?? 1024,
    reusePort: flag('reusePort', options.reusePort, false),
    exclusive: flag('exclusive', options.exclusive, false),
    mode: integer('mode', options.mode, 0, 0o777, 'permission bits'),
    killPort: killPortFlag(options.killPort),
    fdStore: fdStoreFlag(options),
    signal: abortSignal(options.signal),
    logger: resolveLogger(options.logger),
  }
}

function hostOf(value: unknown): string | undefined {
  const host = text('host', value)
  if (host !== undefined && isZoneDropped(host)) {
    throw invalid('host', host, 'without a zone (%): only link-local addresses (fe80::…) have one')
  }
  return host
}

/** The kernel would overlook the zone of this address (`::1%lo`), and serve it on every interface. */
export const isZoneDropped = (host: string): boolean =>
  isIPv6(host) && host.includes('%') && !isLinkLocal(host)

/** An address of fe80::/10, which exists once on each network interface (RFC 4291). */
export const isLinkLocal = (host: string): boolean => /^fe[89ab]/i.test(host) && isIPv6(host)

function toOptions<O extends ListenOptions>(target: Target<O>): O | SocketQuery {
  if (typeof target === 'object' && target !== null) return target
  if (typeof target === 'number' || typeof target === 'string') return { port: target }
  throw invalid('target', target, 'a port or an options object', environmentHint(target))
}

function resolvePort(value: unknown): number {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new SocketPortError(
    'ERR_SOCKET_PORT_INVALID_PORT',
    `port must be an integer between 0 and 65535 (got ${show(value)})${portHint(value)}`,
  )
}

function portHint(value: unknown): string {
  const hint = environmentHint(value)
  return hint === '' && typeof value === 'string' ? '; for a unix socket pass { path }' : hint
}

// The usual cause is a variable of the environment that nobody has set.
const environmentHint = (value: unknown): string =>
  value === undefined || value === '' || Number.isNaN(value)
    ? '; where it comes from the environment, the variable is missing, empty or no number: ' +
      'set it, give a default (process.env.PORT ?? 8080), or pass 0 for any free port'
    : ''

function unixPath(value: unknown): string {
  const path = typeof value === 'string' && value.startsWith('@') ? `\0${value.slice(1)}` : value
  const wrong = (must: string): SocketPortError =>
    new SocketPortError(
      'ERR_SOCKET_PORT_INVALID_PATH',
      `path must be ${must} (got ${show(value)})`,
      typeof value === 'string' ? { path: value } : {},
    )
  if (typeof path !== 'string' || path === '' || path === '\0') throw wrong('a unix socket path')
  if (path.indexOf('\0', 1) > 0) throw wrong('free of NUL bytes')
  if (isAbstract(path) && process.platform !== 'linux') {
    throw wrong('a path in the file system: only Linux has abstract sockets')
  }
  const bytes = Buffer.byteLength(path)
  if (process.platform !== 'win32' && bytes > LONGEST_PATH) {
    throw wrong(`at most ${LONGEST_PATH} bytes long, not ${bytes}; bind in a shorter directory`)
  }
  return path
}

const isAbstract = (path: string): boolean => path.startsWith('\0')

/** Throws ERR_SOCKET_PORT_INVALID_OPTION for what is no object, …_UNKNOWN_OPTION for a key of it that is not known. */
export function checkOptions(options: unknown, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid(`the options of ${what}`, options, `an object with any of ${known.join(', ')}`)
  }
  checkKeys(options, known, `option of ${what}`)
}

/**
 * Throws ERR_SOCKET_PORT_INVALID_OPTION where `call` was given more arguments than it takes, as
 * Node's `server.listen` is: what it does not read must not look as if it were heeded.
 */
export function checkNoMore(call: string, more: readonly unknown[]): void {
  const value = more.find((argument) => argument !== undefined)
  if (value === undefined) return
  const must =
    typeof value === 'function'
      ? `absent, because ${call} takes no callback: await the promise that it returns`
      : `absent: put it into the options, such as { port: 8080, host: '127.0.0.1' }`
  throw invalid(`the argument of ${call} after the port or the options`, value, must)
}

/** Throws ERR_SOCKET_PORT_UNKNOWN_OPTION for a key that is not known. */
export function checkKeys(options: object, known: readonly string[], what: string): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    throw new SocketPortError(
      'ERR_SOCKET_PORT_UNKNOWN_OPTION',
      `there is no ${what} ${quote(key)}; known are ${known.join(', ')}`,
    )
  }
}

/** Throws ERR_SOCKET_PORT_INVALID_OPTION for what lacks a level. */
export function resolveLogger(logger: Logger | undefined): Logger {
  if (logger === undefined) return defaultLogger
  const missing = (['debug', 'info', 'warn', 'error'] as const).filter(
    (level) => typeof logger?.[level] !== 'function',
  )
  if (missing.length === 0) return logger
  throw invalid(
    'logger',
    logger,
    `an object with debug, info, warn and error (no ${missing.join(', ')})`,
  )
}

const SIGNALS: readonly ShutdownSignal[] = ['SIGTERM', 'SIGINT']

function shutdownSignals(signals: unknown): ShutdownSignal[] {
  if (signals === false) return []
  if (signals === undefined) return [...SIGNALS]
  if (!Array.isArray(signals)) throw invalid('signals', signals, 'an array of signals or false')
  return signals.map((signal) => {
    const known = SIGNALS.find((name) => name === signal)
    if (known !== undefined) return known
    throw invalid('signals', signal, "'SIGTERM' or 'SIGINT'")
  })
}

function killPortFlag(value: unknown): boolean | 'force' {
  if (value === undefined || value === 'force' || typeof value === 'boolean') return value ?? false
  throw invalid('killPort', value, "true, false or 'force'")
}

// What is stored comes back as an inherited socket, found by what the kernel and the store keep of it.
function fdStoreFlag({ fdStore, inherit, name, path }: ListenOptions): boolean {
  if (!flag('fdStore', fdStore, false)) return false
  if (inherit === 'never') throw invalid('inherit', inherit, "'prefer' where fdStore is true")
  if (encodeStored(name ?? '').length > LONGEST_STORED_NAME) {
    throw invalid(
      'name',
      name,
      `at most ${LONGEST_STORED_NAME} ASCII letters where fdStore is true`,
    )
  }
  if (path !== undefined && Buffer.byteLength(resolve(path)) > LONGEST_PATH) {
    throw invalid(
      'path',
      path,
      `at most ${LONGEST_PATH} bytes long from / on where fdStore is true`,
    )
  }
  return true
}

function abortSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw invalid('signal', signal, 'an AbortSignal')
}

/** A string that is not empty, where there is one; throws ERR_SOCKET_PORT_INVALID_OPTION. */
export function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw invalid(name, value, 'a string that is not empty')
}

/** A boolean; throws ERR_SOCKET_PORT_INVALID_OPTION. */
export function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw invalid(name, value, 'true or false')
}

/** A whole number in these bounds, where there is one; throws ERR_SOCKET_PORT_INVALID_OPTION. */
export function integer(
  name: string,
  value: unknown,
  least: number,
  most: number,
  unit: string,
): number | undefined {
  if (value === undefined) return undefined
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most)
    return Number(value)
  throw invalid(name, value, `a whole number of ${unit} between ${least} and ${most}`)
}

function oneOf<const T extends string, F extends T | undefined>(
  name: string,
  value: unknown,
  known: readonly T[],
  fallback: F,
): T | F {
  if (value === undefined) return fallback
  const found = known.find((choice) => choice === value)
  if (found !== undefined) return found
  throw invalid(name, value, known.map((choice) => `'${choice}'`).join(' or '))
}

/** The error for a value that is not what it must be. */
export function invalid(name: string, value: unknown, must: string, hint = ''): SocketPortError {
  return new SocketPortError(
    'ERR_SOCKET_PORT_INVALID_OPTION',
    `${name} must be ${must} (got ${show(value)})${hint}`,
  )
}

function show(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  // Not the source: it would be the whole program that was passed by mistake.
  if (typeof value === 'function')
    return value.name === '' ? 'a function' : `function ${value.name}`
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object'
  return String(value)
}
