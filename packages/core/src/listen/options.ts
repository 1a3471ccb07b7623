import { isIPv4 } from 'node:net'
import { resolve } from 'node:path'
import { SocketPortError } from '../base/errors.ts'
import type { ListenOptions } from '../base/types.ts'
import {
  abortSignal,
  type Check,
  type Checks,
  type Complete,
  checkKeys,
  complete,
  flag,
  integer,
  invalid,
  isPort,
  logger,
  nonEmpty,
  oneOf,
  optional,
  show,
  text,
} from '../base/validate.ts'
import { kernelPath } from '../proc/sockets.ts'
import { LONGEST_UNIX_PATH } from '../sockets/constants.ts'
import { encodeStored, LONGEST_STORED_NAME } from './fd-name.ts'
import { isZoneDropped } from './zone.ts'

/** What `listen` and `serve` take: a port, or options. */
export type ListenTarget<O extends ListenOptions = ListenOptions> = number | string | O

/** The options that Node's own `server.listen` takes as well. */
export type NodeOption =
  | 'port'
  | 'host'
  | 'path'
  | 'backlog'
  | 'ipv6Only'
  | 'reusePort'
  | 'exclusive'
  | 'signal'

type Completed = Complete<Omit<ListenOptions, 'port'>, 'host' | 'path' | 'name' | 'mode' | 'signal'>

/** The options, each checked for itself. */
interface Checked extends Completed {
  port: number | undefined
}

export interface ResolvedListen extends Completed {
  /** 0 is any port. */
  port: number
  /** A port was asked for, even if it is 0. Without one, any inherited socket will do. */
  portGiven: boolean
  /** As the kernel shows it: absolute, and `@name` for an abstract one. */
  path: string | undefined
  /** As Node's `listen` takes it. */
  bindPath: string | undefined
}

const host: Check<string> = (name, value) => {
  const given = nonEmpty(name, value)
  if (!isZoneDropped(given)) return given
  throw invalid(name, given, 'without a zone (%): only link-local addresses (fe80::…) have one')
}

const killPort: Check<boolean | 'force'> = (name, value) => {
  if (value === 'force' || typeof value === 'boolean') return value
  throw invalid(name, value, "true, false or 'force'")
}

const NODE_OPTIONS: Checks<Pick<Checked, NodeOption>> = {
  port: optional(portNumber),
  host: optional(host),
  path: optional((_, value) => unixPath(value)),
  // The kernel caps it at net.core.somaxconn.
  backlog: integer(1, 2 ** 31 - 1, 1024, 'connections'),
  ipv6Only: flag(false),
  reusePort: flag(false),
  exclusive: flag(false),
  signal: abortSignal,
}

/** The options that Node does not have. */
export const OWN_LISTEN_OPTIONS: Checks<Omit<Checked, NodeOption>> = {
  name: text,
  shared: flag(false),
  inherit: oneOf(['prefer', 'require', 'never'], 'prefer'),
  mode: integer(0, 0o777, undefined),
  killPort: { check: killPort, fallback: false },
  fdStore: flag(false),
  logger,
}

export const LISTEN_OPTIONS: Checks<Checked> = {
  ...NODE_OPTIONS,
  ...OWN_LISTEN_OPTIONS,
}

/** Checks and completes what `listen` was given. Throws ERR_SOCKET_PORT_INVALID_… or …_UNKNOWN_OPTION. */
export function resolveListen(target: ListenTarget): ResolvedListen {
  const options = toOptions(target)
  checkKeys(options, LISTEN_OPTIONS, 'option')
  return resolveListenOptions(options)
}

/** The options that a port stands for, or those that were given. */
export function toOptions<O extends ListenOptions>(target: ListenTarget<O>): O | ListenOptions {
  if (typeof target === 'object' && target !== null) return target
  if (typeof target === 'number' || typeof target === 'string') return { port: target }
  throw invalid('what to listen on', target, 'a port or an options object', environmentHint(target))
}

/** As {@link resolveListen}, for options that may have more keys. */
export function resolveListenOptions(options: ListenOptions): ResolvedListen {
  const given = complete(options, LISTEN_OPTIONS)
  const portGiven = given.port !== undefined
  checkTogether(options, given)
  if (given.fdStore) checkStorable(given)
  return {
    ...given,
    port: given.port ?? 0,
    portGiven,
    path: given.path === undefined ? undefined : kernelPath(absolute(given.path)),
    bindPath: given.path,
  }
}

function checkTogether(options: ListenOptions, given: Checked): void {
  if (given.path !== undefined && given.port !== undefined) {
    throw invalid('path', options.path, 'absent where a port is given: pass one of the two')
  }
  // `{ port: process.env.PORT }` gives such a key where the variable is not set. Any free port would surprise.
  const saysWhere = [given.port, given.path, given.name].some((each) => each !== undefined)
  if (!saysWhere && 'port' in options) throw invalidPort(undefined)
  if (!saysWhere && 'path' in options) throw missingPath()
  if (given.ipv6Only && isIPv4(given.host ?? '')) {
    throw invalid('ipv6Only', true, `false where the host is ${given.host}, an IPv4 address`)
  }
}

// The next process inherits a stored socket, and finds it by what the kernel and the store keep of it.
function checkStorable({ inherit, name, path }: Checked): void {
  if (inherit === 'never') throw invalid('inherit', inherit, "'prefer' where fdStore is true")
  if (encodeStored(name ?? '').length > LONGEST_STORED_NAME) {
    throw invalid(
      'name',
      name,
      `at most ${LONGEST_STORED_NAME} ASCII letters where fdStore is true`,
    )
  }
  if (
    path !== undefined &&
    !isAbstract(path) &&
    Buffer.byteLength(resolve(path)) > LONGEST_UNIX_PATH
  ) {
    throw invalid(
      'path',
      path,
      `at most ${LONGEST_UNIX_PATH} bytes long from / on where fdStore is true`,
    )
  }
}

function portNumber(name: string, value: unknown): number {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value
  if (isPort(port)) return port
  throw invalidPort(value, name)
}

const invalidPort = (value: unknown, name = 'port'): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_INVALID_PORT',
    `${name} must be an integer between 0 and 65535 (got ${show(value)})${portHint(value)}`,
  )

function portHint(value: unknown): string {
  const hint = environmentHint(value)
  return hint === '' && typeof value === 'string' ? '; for a unix socket pass { path }' : hint
}

// The usual cause is an environment variable that is not set.
const environmentHint = (value: unknown): string =>
  value === undefined || value === '' || Number.isNaN(value)
    ? '; where it comes from the environment, the variable is missing, empty or no number: ' +
      'set it, give a default (process.env.PORT ?? 8080), or pass 0 for any free port'
    : ''

const invalidPath = (value: unknown, must: string, hint = ''): SocketPortError =>
  new SocketPortError(
    'ERR_SOCKET_PORT_INVALID_PATH',
    `path must be ${must} (got ${show(value)})${hint}`,
    typeof value === 'string' ? { path: value } : {},
  )

const missingPath = (): SocketPortError =>
  invalidPath(
    undefined,
    'a unix socket path',
    '; where it comes from the environment, the variable is missing: set it, or pass a port',
  )

function unixPath(value: unknown): string {
  const path = typeof value === 'string' && value.startsWith('@') ? `\0${value.slice(1)}` : value
  const wrong = (must: string): SocketPortError => invalidPath(value, must)
  if (typeof path !== 'string' || path === '' || path === '\0') throw wrong('a unix socket path')
  if (path.indexOf('\0', 1) > 0) throw wrong('free of NUL bytes')
  if (isAbstract(path) && process.platform !== 'linux') {
    throw wrong('a path in the file system: only Linux has abstract sockets')
  }
  const bytes = Buffer.byteLength(path)
  if (process.platform !== 'win32' && bytes > LONGEST_UNIX_PATH) {
    throw wrong(
      `at most ${LONGEST_UNIX_PATH} bytes long, not ${bytes}; bind in a shorter directory`,
    )
  }
  return path
}

const absolute = (path: string): string => (isAbstract(path) ? path : resolve(path))

const isAbstract = (path: string): boolean => path.startsWith('\0')
