import { nodeOs } from '../base/built-in.ts'
import { isOwnListener, ownListener } from '../base/own-listener.ts'
import { claim } from '../process/environment.ts'
import { perProcess } from '../process/per-process.ts'

// Every copy of this package in the process shares one: one listener for the signal is enough.
const shared = perProcess<{ received: boolean; name?: NodeJS.Signals }>('restart-signal/1')

/**
 * Listens for the signal that SOCKET_PORT_RESTART_SIGNAL names, where it names one. A unit sends it in
 * place of SIGTERM when the service is restarted, not stopped (RestartKillSignal=, systemd.kill(5)).
 * The process then gets the SIGTERM that every listener of the program waits for.
 */
export function listenForRestart(): void {
  if (shared.current !== undefined) return
  const state = shared.get(() => ({ received: false }))
  const name = claim('restart').SOCKET_PORT_RESTART_SIGNAL
  if (!isSignal(name)) return
  state.name = name
  process.on(name, ownListener(receiveRestart))
}

/** Puts the listener back that the program has removed with its own (`process.removeAllListeners`). */
export function listenForRestartAgain(): void {
  const name = restartSignal()
  if (name === undefined || process.listeners(name).some(isOwnListener)) return
  process.on(name, ownListener(receiveRestart))
}

/** The signal that {@link listenForRestart} listens for. */
export const restartSignal = (): NodeJS.Signals | undefined => shared.current?.name

/** What is done at that signal. Returns true, as `emit` does where something listens. */
export function receiveRestart(): boolean {
  if (shared.current !== undefined) shared.current.received = true
  return process.kill(process.pid, 'SIGTERM')
}

/** Whether that signal was received: the manager starts the next process when this one has ended. */
export const restartSignalled = (): boolean => shared.current?.received ?? false

// SIGTERM and SIGINT start the shutdown, and SIGHUP a reload. The last two cannot be caught.
const NOT_ALLOWED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL', 'SIGSTOP']

const isSignal = (name: string | undefined): name is NodeJS.Signals =>
  name !== undefined && name in nodeOs().constants.signals && !NOT_ALLOWED.includes(name)
