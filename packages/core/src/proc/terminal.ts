import { closeSync, openSync } from 'node:fs'

/**
 * `socket-port run` sets it to 1 where it runs on a terminal. Its processes lead sessions of their
 * own and write into pipes, so they cannot see that terminal.
 */
export const TERMINAL_VARIABLE = 'SOCKET_PORT_TERMINAL'

/** Whether a person at a terminal can press Ctrl-C for this process. */
export function hasTerminal(env: NodeJS.ProcessEnv = process.env): boolean {
  return env[TERMINAL_VARIABLE] === '1' || hasOwnTerminal()
}

/** Whether this process has a controlling terminal. On Windows, whether it reads from a terminal. */
export function hasOwnTerminal(): boolean {
  if (process.platform === 'win32') return process.getBuiltinModule('node:tty').isatty(0)
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
