import { SocketPortError } from '../base/errors.ts'
import { isAddress } from '../base/ip-address.ts'
import type { Logger } from '../base/types.ts'
import {
  abortSignal,
  type Check,
  type Checks,
  type Complete,
  flag,
  invalid,
  isPort,
  logger,
  milliseconds,
  optional,
  resolveOptions,
  text,
} from '../base/validate.ts'
import type { Holder } from '../proc/holders.ts'
import { freePort } from './free.ts'
import { probe, type WantedBind } from './probe.ts'
import { systemOf } from './system-of.ts'

export interface KillPortOptions {
  /**
   * Address or host name that is to be bound. Processes that listen on other addresses are left alone.
   * @default every address, IPv6 and IPv4
   */
  host?: string | undefined
  /** Only IPv6 is to be bound. Processes that listen on IPv4 are left alone. @default false */
  ipv6Only?: boolean | undefined
  /** SO_REUSEPORT is to be set. Processes that share the port are left alone. @default false */
  reusePort?: boolean | undefined
  /** Allow it under `NODE_ENV=production` too. @default false */
  force?: boolean | undefined
  /** Milliseconds from SIGTERM to SIGKILL. @default 3000 */
  timeout?: number | undefined
  /**
   * Called before the first signal, with the processes that would get one. If it returns `false`, no
   * process is signalled, and ERR_SOCKET_PORT_KILL_REFUSED is thrown. @default no question
   */
  confirm?: ((holders: readonly Holder[]) => boolean | Promise<boolean>) | undefined
  /** Aborting ends the wait. It does not take back the signals that were sent. */
  signal?: AbortSignal | undefined
  /** @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

export interface KillPortResult {
  /** The processes that were signalled; empty if the port was free. */
  killed: Holder[]
}

const confirm: Check<KillPortOptions['confirm']> = (name, value) => {
  if (typeof value === 'function') return value as KillPortOptions['confirm']
  throw invalid(name, value, 'a function that returns true or false')
}

const OPTIONS: Checks<Complete<KillPortOptions, 'host' | 'confirm' | 'signal'>> = {
  host: text,
  ipv6Only: flag(false),
  reusePort: flag(false),
  force: flag(false),
  timeout: milliseconds(3_000),
  confirm: optional(confirm),
  signal: abortSignal,
  logger,
}

// A process that gets SIGKILL is gone in milliseconds, unless it hangs in the kernel.
const GRACE = 2000

/**
 * Frees a busy TCP port, and resolves once it can be bound. It sends SIGTERM to the processes of this user
 * whose sockets prevent the bind, and SIGKILL to those that still hold them after `timeout`.
 *
 * It signals no process at all where one of them must not be ended: this process, an ancestor, PID 1, a
 * process of another user or container (pid namespace), or one whose socket a manager owns.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_KILL_REFUSED, …_KILL_FAILED, …_INVALID_PORT,
 * …_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export async function killPort(
  port: number,
  options: KillPortOptions = {},
): Promise<KillPortResult> {
  const { host, ipv6Only, reusePort, force, ...given } = resolveOptions(
    options,
    OPTIONS,
    'killPort',
  )
  checkPort(port)
  given.signal?.throwIfAborted()
  if (process.env.NODE_ENV === 'production' && !force) {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_KILL_REFUSED',
      `Port ${port} is not freed under NODE_ENV=production: the process that holds it may be serving users. Stop that process yourself, or force it (killPort: 'force', killPort(${port}, { force: true }), socket-port free ${port} --force).`,
      { port },
    )
  }
  const bind: WantedBind = { port, host: await addressOf(host), ipv6Only, reusePort }
  const killed = await freePort({
    ...given,
    port,
    grace: GRACE,
    system: systemOf(process.platform, port),
    place: { address: bind.host, ipv6Only },
    probe: () => probe(bind),
  })
  return { killed }
}

// Looks a host name up as Node's `listen` does. The bind reports a name that does not resolve.
async function addressOf(host: string | undefined): Promise<string | undefined> {
  if (host === undefined || isAddress(host)) return host
  const { lookup } = await import('node:dns/promises')
  return lookup(host).then(
    ({ address }) => address,
    () => host,
  )
}

function checkPort(port: number): void {
  if (isPort(port) && port > 0) return
  throw new SocketPortError(
    'ERR_SOCKET_PORT_INVALID_PORT',
    `The port to free must be an integer between 1 and 65535 (got ${JSON.stringify(port)}).`,
  )
}
