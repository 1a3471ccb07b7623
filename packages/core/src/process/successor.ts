import { claim, hasSupervisor, look } from './environment.ts'
import { perProcess } from './per-process.ts'

// Every copy of this package in the process shares one: the supervisor sends NEXT only once.
const shared = perProcess<{ serves: true }>('successor/1')

/** Whether the manager starts the next process before it ends this one. It says so with SOCKET_PORT_SUCCESSOR=running. */
export const generationsOverlap = (): boolean => look('restart').SOCKET_PORT_SUCCESSOR === 'running'

/**
 * Whether the next process serves already, so that this one need not accept new connections while it drains. A
 * supervisor that has a channel says so each time, before it sends the stop signal: a signal that another program has
 * sent, such as a shell to the whole process group, also comes when no process follows.
 */
export const successorRuns = (): boolean =>
  shared.current?.serves ?? (generationsOverlap() && !hasSupervisor())

/** Claims the variable, before a child process can inherit it. Call it where a service or a drain begins. */
export const claimSuccessor = (): void => void claim('restart')

/** Records that the supervisor has said that the next process serves. */
export function nextServes(): void {
  claimSuccessor()
  shared.get(() => ({ serves: true }))
}
