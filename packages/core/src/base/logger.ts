import { debuglog } from 'node:util'
import type { Logger } from './types.ts'

const debug = debuglog('socket-port')

let writing = 0

/**
 * Writes a line to stderr, and ignores a failure. A write to a full disk, a pipe without a reader or a
 * closed terminal emits 'error', which would end the server if nothing listens for it. Console ignores
 * only the first of two errors in one turn of the event loop (lib/internal/console/constructor.js).
 */
function write(line: string): void {
  const { stderr } = process
  if (writing === 0) stderr.on('error', ignore)
  writing += 1
  // The event comes after the callback, in the same turn of the event loop.
  stderr.write(`${line}\n`, () => setImmediate(written))
}

function written(): void {
  writing -= 1
  // From now on an error comes from a write of the program, which must see it.
  if (writing === 0) process.stderr.off('error', ignore)
}

function ignore(): void {}

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

/** Whether the logger drops `debug` and `info`. Ask before a start makes a text: V8 has to compile what makes it. */
export const isSilent = (logger: Logger): boolean => logger === defaultLogger && !debug.enabled

/** Shows a message to the person at the terminal: through the program's logger, or on stderr if there is none. */
export function tellPerson(logger: Logger, message: string): void {
  if (logger === defaultLogger) process.stderr.write(`socket-port: ${message}\n`)
  else logger.info(message)
}
