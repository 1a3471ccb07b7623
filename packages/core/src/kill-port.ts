import { SocketPortError } from './errors.ts'
import { freePort } from './kill-port-free.ts'
import { defaultLogger } from './logger.ts'
import type { Holder } from './proc/holders.ts'
import { systemOf } from './proc/system.ts'
import type { Logger } from './types.ts'

export interface KillPortOptions {
  /** Allow it under `NODE_ENV=production` too. @default false */
  force?: boolean | undefined
  /** Milliseconds from SIGTERM to SIGKILL. @default 3000 */
  timeout?: number | undefined
  /**
   * Asked before the first signal, about those who would get one; `false` signals nobody, and
   * ERR_SOCKET_PORT_KILL_REFUSED is thrown. @default nobody is asked
   */
  confirm?: ((holders: readonly Holder[]) => boolean | Promise<boolean>) | undefined
  /** Aborting ends the wait; what was signalled stays signalled. */
  signal?: AbortSignal | undefined
  /** @default warnings and errors to stderr, the rest through `NODE_DEBUG=socket-port` */
  logger?: Logger | undefined
}

export interface KillPortResult {
  /** The processes that were signalled; empty if the port was free. */
  killed: Holder[]
}

// A process that gets SIGKILL is gone in milliseconds, unless it hangs in the kernel.
const GRACE = 2000

/**
 * Frees a busy TCP port: SIGTERM to the user's own processes that listen on it, SIGKILL to those
 * that still do after `timeout`, and resolves once nobody listens there any more. Never ends this
 * process, an ancestor, PID 1, or anyone on a socket that a manager owns: then nobody is signalled.
 */
export async function killPort(
  port: number,
  options: KillPortOptions = {},
): Promise<KillPortResult> {
  const { force = false, timeout = 3000, confirm, signal, logger = defaultLogger } = options
  check(port, timeout)
  signal?.throwIfAborted()
  if (process.env.NODE_ENV === 'production' && !force) {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_KILL_REFUSED',
      `Port ${port} is not freed under NODE_ENV=production, where whoever holds it may be serving users. Stop that process yourself, or force it ({ force: true }).`,
      { port },
    )
  }
  const system = systemOf(process.platform, port)
  const job = { port, timeout, grace: GRACE, confirm, signal, logger, system }
  return { killed: await freePort(job) }
}

function check(port: number, timeout: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_INVALID_PORT',
      `The port to free must be an integer between 1 and 65535 (got ${JSON.stringify(port)}).`,
    )
  }
  if (!Number.isFinite(timeout) || timeout < 0) {
    throw new SocketPortError(
      'ERR_SOCKET_PORT_INVALID_OPTION',
      `timeout must be a number of milliseconds, 0 or more (got ${timeout}).`,
      { port },
    )
  }
}
