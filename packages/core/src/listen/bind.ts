import { lstatSync } from 'node:fs'
import type { ListenOptions as NodeListenOptions } from 'node:net'
import { nodeOs } from '../base/built-in.ts'
import { type BindErrorCode, SocketPortError } from '../base/errors.ts'
import { describeInUse, type InUseRequest } from './bind-in-use.ts'
import { describeRequest } from './inherit.ts'
import type { ResolvedListen } from './options.ts'
import { type WaitingRequest, waitSignal } from './start-abort.ts'
import { isLinkLocal } from './zone.ts'

/** The request of a bind, with the host to use when none is asked for. */
export interface BindRequest extends InUseRequest, WaitingRequest {
  defaultHost?: string | undefined
}

/**
 * Does what must be done before Node can bind the socket; returns like {@link makeRoom}.
 *
 * @throws ERR_SOCKET_PORT_UNSUPPORTED for `reusePort` where Node would ignore it.
 */
export function prepareToBind(request: BindRequest): Promise<void> | undefined {
  if (request.reusePort && !supportsReusePort()) throw reusePortUnsupported()
  return makeRoom(request)
}

/**
 * Frees the port, or removes a stale unix socket. Returns `undefined` when there is nothing to do, so that
 * the caller can go on synchronously.
 */
export function makeRoom(request: BindRequest): Promise<void> | undefined {
  const { path, port, killPort: kill } = request
  if (path === undefined) return kill === false || port === 0 ? undefined : free(request)
  // An abstract name disappears with its socket, so it cannot be stale.
  return path.startsWith('@') || !exists(path) ? undefined : removeStale(path)
}

// Both modules are imported when they are needed: most starts need neither.
async function removeStale(path: string): Promise<void> {
  const { removeStaleSocket } = await import('./stale-socket.ts')
  await removeStaleSocket(path)
}

async function free(request: BindRequest): Promise<void> {
  const { killPort } = await import('../kill-port/kill-port.ts')
  const { port, host = request.defaultHost, ipv6Only, reusePort, logger } = request
  const signal = waitSignal(request)
  const force = request.killPort === 'force'
  await killPort(port, { host, ipv6Only, reusePort, force, logger, signal })
}

/** The options of Node's own `listen` for this request. */
export function bindOptions(request: BindRequest): NodeListenOptions {
  const {
    bindPath,
    port,
    host = request.defaultHost,
    ipv6Only,
    backlog,
    reusePort,
    exclusive,
  } = request
  const common = { backlog, exclusive }
  if (bindPath !== undefined) return { ...common, path: bindPath }
  return {
    ...common,
    port,
    // Without a host Node binds one dual-stack socket, or 0.0.0.0 where the kernel has no IPv6.
    // `ipv6Only` must not fall back silently, so it gets a host.
    ...(host !== undefined ? { host } : ipv6Only ? { host: '::' } : {}),
    ...(ipv6Only && { ipv6Only }),
    ...(reusePort && { reusePort }),
  }
}

/** Runs the synchronous `bind` with a umask under which a new unix socket gets exactly `mode`. */
export function withMode(mode: number | undefined, bind: () => void): void {
  const before = mode === undefined ? undefined : process.umask(0o777 & ~mode)
  try {
    bind()
  } finally {
    if (before !== undefined) process.umask(before)
  }
}

/** Adds the request, the holder of the address and the repair to Node's error. Keeps its code. */
export function explainBindError(error: NodeJS.ErrnoException, request: InUseRequest): Error {
  const { port, host, path } = request
  const { code } = error
  // An error of this package explains itself already.
  if (!isBindErrorCode(code) || error instanceof SocketPortError) return error
  return new SocketPortError(
    code,
    `cannot listen on ${describeRequest(request)} (${code}): ${fixes[code](request, error)}`,
    {
      ...(path === undefined ? { port } : { path }),
      address: host,
      syscall: error.syscall,
      errno: error.errno,
      cause: error,
    },
  )
}

/** Puts the message of {@link explainBindError} into Node's own error, for listeners of 'error'. */
export function explainInPlace(error: NodeJS.ErrnoException, request: ResolvedListen): void {
  const { message } = error
  error.message = explainBindError(error, request).message
  if (error.stack !== undefined) error.stack = error.stack.replace(message, error.message)
}

interface BindError extends NodeJS.ErrnoException {
  address?: string
}

const fixes: Record<
  BindErrorCode,
  (request: InUseRequest, error: BindError) => string | undefined
> = {
  // In a cluster worker the address is null (lib/net.js, listenInCluster).
  EADDRINUSE: (request, { address }) => describeInUse(request, address ?? undefined),
  EACCES: ({ path, port }) =>
    path !== undefined
      ? 'the directory must exist and be writable for this user; create it, or choose another one'
      : port > 0 && port < 1024
        ? 'ports below 1024 need a privilege; let systemd open the socket (ListenStream=) and inherit it, ' +
          'give CAP_NET_BIND_SERVICE, or choose a higher port'
        : 'this user may not bind the address; choose another port or ask the administrator of the machine',
  EINVAL: ({ host }) =>
    host === undefined || !isLinkLocal(host)
      ? undefined
      : 'a link-local address is bound on one network interface: name one of this machine behind a ' +
        `percent sign, as in fe80::1%eth0 (there are ${Object.keys(nodeOs().networkInterfaces()).join(', ')})`,
  EADDRNOTAVAIL: () =>
    'no interface of this machine has the address; choose one of its own, or none',
  ENOTFOUND: () =>
    'the host name does not resolve; pass an address, or no host to serve every address',
  EAI_AGAIN: () => 'the host name could not be looked up; pass an address, or no host at all',
  ENOTDIR: () => 'a part of the path is not a directory; choose another path',
  EAFNOSUPPORT: () => 'the kernel lacks this address family; pass an IPv4 host, or none',
}

const isBindErrorCode = (code: string | undefined): code is BindErrorCode =>
  code !== undefined && Object.hasOwn(fixes, code)

function supportsReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
}

function reusePortUnsupported(): SocketPortError {
  return new SocketPortError(
    'ERR_SOCKET_PORT_UNSUPPORTED',
    `reusePort needs Node 22.12 or 23.1; this is ${process.version}, which would ignore it. ` +
      'Upgrade Node, or share one inherited socket instead',
  )
}

function exists(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}
