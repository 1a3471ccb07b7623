import { perProcess } from './per-process.ts'

const VARIABLE = 'SOCKET_PORT_SUCCESSOR'

// Every copy of this package in the process shares one: only the first finds the environment.
const shared = perProcess<{ running: boolean }>('successor/1')

function read(): { running: boolean } {
  const state = shared.get(() => ({ running: process.env[VARIABLE] === 'running' }))
  delete process.env[VARIABLE]
  return state
}

/**
 * Whether the manager starts the next process before it ends this one. `socket-port run` says so with
 * SOCKET_PORT_SUCCESSOR=running. The first call reads and removes the variable, so that no child process
 * takes it for its own.
 */
export const successorRuns = (): boolean => read().running

/** Removes the variable where a service starts, before a child process can inherit it. */
export const claimSuccessor = (): void => void read()

/**
 * Records that the manager ends as well, so that a next process, if any, starts after this one has ended.
 * The manager says so before it sends the stop signal.
 */
export function nobodyFollows(): void {
  read().running = false
}
