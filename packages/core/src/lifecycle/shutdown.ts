import { type Checks, type Complete, integer, invalid, resolveOptions } from '../base/validate.ts'
import { hookTimeout, type ShutdownHook } from './hooks.ts'
import { processShutdown } from './process-shutdown.ts'

export interface ShutdownHookOptions {
  /** After this many milliseconds the hook counts as failed and the next one runs. @default 5000 */
  timeout?: number | undefined
}

export interface ShutdownOptions {
  /**
   * The exit code of the process, 0–255; it replaces `process.exitCode`. Where that is 0, a hook that
   * fails makes it 1. @default what `process.exitCode` says, else 0
   */
  exitCode?: number | undefined
}

const HOOK_OPTIONS: Checks<Complete<ShutdownHookOptions>> = { timeout: hookTimeout }
const SHUTDOWN_OPTIONS: Checks<Complete<ShutdownOptions, 'exitCode'>> = {
  exitCode: integer(0, 255, undefined),
}

/**
 * Adds a hook that runs when the process shuts down, after the last connection has ended. The newest hook
 * runs first. Returns a function that removes it.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, …_UNKNOWN_OPTION
 */
export function onShutdown(hook: ShutdownHook, options: ShutdownHookOptions = {}): () => void {
  if (typeof hook !== 'function') {
    throw invalid('a shutdown hook', hook, 'a function', '; pass onShutdown(() => pool.end())')
  }
  const { timeout } = resolveOptions(options, HOOK_OPTIONS, 'onShutdown')
  return processShutdown().addHook(hook, timeout)
}

/**
 * Does what SIGTERM does: drains every service of the process, runs the hooks, ends the process
 * (unless a service was started with `exit: false`). Every call returns the promise of the first;
 * the exit code is that of the last call that gives one.
 *
 * @throws {SocketPortError} ERR_SOCKET_PORT_INVALID_OPTION, ERR_SOCKET_PORT_UNKNOWN_OPTION
 */
export function shutdown(options: ShutdownOptions = {}): Promise<void> {
  const { exitCode } = resolveOptions(options, SHUTDOWN_OPTIONS, 'shutdown')
  if (exitCode !== undefined) process.exitCode = exitCode
  return processShutdown().begin('shutdown')
}
