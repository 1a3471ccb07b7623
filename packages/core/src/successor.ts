const VARIABLE = 'SOCKET_PORT_SUCCESSOR'

// One for every copy of this package in the process: only the first finds the environment.
const key = Symbol.for('@socket-port/core/successor/1')
const globals = globalThis as { [key]?: { running: boolean } }

function read(): { running: boolean } {
  globals[key] ??= { running: process.env[VARIABLE] === 'running' }
  delete process.env[VARIABLE]
  return globals[key]
}

/**
 * Whether the manager starts the next process before it ends this one, as `socket-port run` says
 * by SOCKET_PORT_SUCCESSOR=running. The first call reads the variable and removes it, so that no
 * child process believes that it is for it.
 */
export const successorRuns = (): boolean => read().running

/**
 * The manager has said since that it ends as well: whoever follows, if anybody does, starts when this
 * process is gone. To be heard before the signal that ends it.
 */
export function nobodyFollows(): void {
  read().running = false
}
