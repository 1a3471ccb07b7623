import { closeSync } from 'node:fs'
import { ask } from '../ask/ask.ts'
import { clusterWorker, isMainThread } from '../base/built-in.ts'
import type { Logger } from '../base/types.ts'
import { becomeSupervised } from '../notify/notifier.ts'
import { claim, look } from '../process/environment.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { hasAddress, type Wanted } from './match.ts'
import { addGiven, inheritedEntries, wasPassedNothing } from './socket-registry.ts'

/** Why the supervisor gave no socket. */
export interface NotGiven {
  /** `none`: no kept socket fits. `refused`: this process may have none. `failed`: no answer came. */
  kind: 'none' | 'refused' | 'failed'
  /** What happened, for a message. */
  problem: string
}

/**
 * Asks the supervisor for the socket that fits, below a wrapper such as npm: LISTEN_PID names the wrapper, which
 * has closed the sockets that were passed to it. Blocks for some milliseconds. A socket that is given is inherited
 * from then on, as if it had been passed, and the supervisor takes this process for the one that serves.
 *
 * `exact`: only a socket with this address will do. Returns `undefined` where one was given, or nothing is asked.
 */
export function askForSocket(
  wanted: Wanted,
  { exact, logger }: { exact: boolean; logger: Logger },
): NotGiven | undefined {
  const path = look('ask').SOCKET_PORT_ASK
  if (path === undefined || !path.startsWith('/') || !mayAsk(wanted, logger)) return undefined
  const { port, portGiven, host, path: unixPath, name, ipv6Only } = wanted
  try {
    const libc = usableLibc()
    const request = { port, portGiven, host, path: unixPath, name, ipv6Only, exact }
    const { answer, fds } = ask(libc, path, request)
    if (answer.kind === 'none') return { kind: 'none', problem: keptText(answer.kept) }
    if (answer.kind === 'refused') return { kind: 'refused', problem: answer.reason }
    const [fd, socket, wakeUp] = fds as [number, number?, number?]
    // The child processes of this one must not ask: they do not serve.
    claim('ask')
    addGiven(fd, answer.name, logger)
    if (socket !== undefined && wakeUp !== undefined) {
      if (!becomeSupervised({ socket, wakeUp })) for (const end of [socket, wakeUp]) closeSync(end)
    }
    return undefined
  } catch (error) {
    return { kind: 'failed', problem: `it could not be asked: ${(error as Error).message}` }
  }
}

// A worker thread has the pid of its process, and a cluster worker cannot listen on a descriptor of its own.
function mayAsk(wanted: Wanted, logger: Logger): boolean {
  if (!isMainThread() || clusterWorker() !== undefined) return false
  if (wanted.portGiven && wanted.port === 0 && wanted.name === undefined) return false
  return wasPassedNothing(logger) && !inheritedEntries(logger).some(hasAddress(wanted))
}

const keptText = (kept: readonly string[]): string =>
  kept.length === 0 ? 'it keeps no socket' : `it keeps ${kept.join(', ')}`
