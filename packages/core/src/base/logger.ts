import { debuglog } from 'node:util'
import type { Logger } from './types.ts'

const debug = debuglog('socket-port')

let writing = 0

/**
 * Writes a line to stderr, or loses it. A plain write to a full disk, to a pipe that nobody reads or
 * to a terminal that was closed is an uncaught 'error', which would end the server; Console does not
 * overlook the second one of two in one turn (lib/internal/console/constructor.js).
 */
function write(line: string): void {
  const { stderr } = process
  if (writing === 0) stderr.on('error', overlook)
  writing += 1
  // The event comes after the callback, in the same turn of the event loop.
  stderr.write(`${line}\n`, () => setImmediate(written))
}

function written(): void {
  writing -= 1
  // What the program writes itself is its own affair again.
  if (writing === 0) process.stderr.off('error', overlook)
}

function overlook(): void {}

function writeDebug(message: string): void {
  if (debug.enabled) write(`SOCKET-PORT ${process.pid}: ${message}`)
}

/** The logger used where none is given: warnings and errors to stderr, the rest to NODE_DEBUG. */
export const defaultLogger: Logger = {
  debug: writeDebug,
  info: writeDebug,
  warn: (message) => write(`socket-port: warning: ${message}`),
  error: (message) => write(`socket-port: error: ${message}`),
}

/** Tells a person at the terminal, who sees the program's own logger, or stderr where it has none. */
export function tellPerson(logger: Logger, message: string): void {
  if (logger === defaultLogger) process.stderr.write(`socket-port: ${message}\n`)
  else logger.info(message)
}
