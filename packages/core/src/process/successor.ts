import { claim, look } from './environment.ts'
import { perProcess } from './per-process.ts'

// Every copy of this package in the process shares one: the supervisor sends LAST only once.
const shared = perProcess<{ running: boolean }>('successor/1')

const wasSaid = (): boolean => look('restart').SOCKET_PORT_SUCCESSOR === 'running'

/**
 * Whether the manager starts the next process before it ends this one. `socket-port run` says so with
 * SOCKET_PORT_SUCCESSOR=running.
 */
export const successorRuns = (): boolean => shared.current?.running ?? wasSaid()

/** Claims the variable, before a child process can inherit it. Call it where a service or a drain begins. */
export const claimSuccessor = (): void => void claim('restart')

/**
 * Records that the manager ends as well, so that a next process, if any, starts after this one has ended.
 * The manager says so before it sends the stop signal.
 */
export function nobodyFollows(): void {
  claimSuccessor()
  shared.get(() => ({ running: false })).running = false
}
