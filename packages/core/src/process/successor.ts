const VARIABLE = 'SOCKET_PORT_SUCCESSOR'

// Every copy of this package in the process shares one: only the first finds the environment.
const key = Symbol.for('@socket-port/core/successor/1')
const globals = globalThis as { [key]?: { running: boolean } }

function read(): { running: boolean } {
  globals[key] ??= { running: process.env[VARIABLE] === 'running' }
  delete process.env[VARIABLE]
  return globals[key]
}

/**
 * Whether the manager starts the next process before it ends this one. `socket-port run` says so with
 * SOCKET_PORT_SUCCESSOR=running. The first call reads and removes the variable, so that no child process
 * takes it for its own.
 */
export const successorRuns = (): boolean => read().running

/**
 * Records that the manager ends as well, so that a next process, if any, starts after this one has ended.
 * The manager says so before it sends the stop signal.
 */
export function nobodyFollows(): void {
  read().running = false
}
