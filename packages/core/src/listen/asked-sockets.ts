import { closeSync } from 'node:fs'
import { ask } from '../ask/ask.ts'
import type { Take } from '../ask/messages.ts'
import { clusterWorker, isMainThread } from '../base/built-in.ts'
import type { Logger } from '../base/types.ts'
import { becomeSupervised } from '../notify/notifier.ts'
import { noteGiven, noteRefusal, type Refusal } from '../process/asked.ts'
import { canAsk, look } from '../process/environment.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { hasExactAddress } from './exact-address.ts'
import type { Wanted } from './match.ts'
import type { Entry } from './passed-sockets.ts'
import { addGiven, inheritedEntries, wasPassedNothing } from './socket-registry.ts'

/** What the supervisor has answered. */
export type Asked = { kind: 'given'; entry: Entry } | NotGiven

/** Why the supervisor gave no socket. */
export interface NotGiven extends Refusal {
  /** The addresses of the sockets that the supervisor keeps. */
  kept: readonly string[]
}

export interface AskOptions {
  take: Take
  logger: Logger
}

/** Whether no socket can be inherited: none was passed to this process, and no supervisor can be asked for one. */
export const isColdStart = (logger: Logger): boolean =>
  inheritedEntries(logger).length === 0 && !canAsk()

/**
 * Asks the supervisor for a socket, below a wrapper such as npm: LISTEN_PID names the wrapper, which
 * has closed the sockets that were passed to it. Blocks for some milliseconds. A socket that is given is inherited
 * from then on, as if it had been passed, and the supervisor takes this process for the one that serves.
 *
 * Returns `undefined` where nothing is asked.
 */
export function askForSocket(wanted: Wanted, { take, logger }: AskOptions): Asked | undefined {
  const path = look('ask').SOCKET_PORT_ASK
  if (path === undefined || !path.startsWith('/') || !mayAsk(wanted, take, logger)) {
    return undefined
  }
  const { port, portGiven, host, path: unixPath, name, ipv6Only } = wanted
  try {
    const libc = usableLibc()
    const request = { port, portGiven, host, path: unixPath, name, ipv6Only, take }
    const { answer, fds } = ask(libc, path, request)
    if (answer.kind === 'none') return notGiven('none', keptText(answer.kept), answer.kept)
    if (answer.kind === 'refused') return notGiven('refused', answer.reason)
    const [fd, socket, wakeUp] = fds as [number, number?, number?]
    noteGiven()
    const entry = addGiven(fd, answer.name, logger)
    if (socket !== undefined && wakeUp !== undefined) {
      if (!becomeSupervised({ socket, wakeUp })) for (const end of [socket, wakeUp]) closeSync(end)
    }
    return { kind: 'given', entry }
  } catch (error) {
    return notGiven('failed', `it could not be asked: ${(error as Error).message}`)
  }
}

function notGiven(kind: Refusal['kind'], problem: string, kept: readonly string[] = []): NotGiven {
  noteRefusal({ kind, problem })
  return { kind, problem, kept }
}

// A worker thread has the pid of its process, and a cluster worker cannot listen on a descriptor of its own.
function mayAsk(wanted: Wanted, take: Take, logger: Logger): boolean {
  if (!isMainThread() || clusterWorker() !== undefined) return false
  const { port, portGiven, path, name } = wanted
  const hasAddress = port !== 0 || path !== undefined || name !== undefined
  if (!hasAddress && (portGiven || take === 'exact')) return false
  return wasPassedNothing(logger) && !inheritedEntries(logger).some(hasExactAddress(wanted))
}

const keptText = (kept: readonly string[]): string =>
  kept.length === 0 ? 'it keeps no socket' : `it keeps ${kept.join(', ')}`
