import { debuglog } from 'node:util'
import type { Logger } from './types.ts'

const debug = debuglog('socket-port')

/** The logger used where none is given: warnings and errors to stderr, the rest to NODE_DEBUG. */
export const defaultLogger: Logger = {
  debug: (message) => debug('%s', message),
  info: (message) => debug('%s', message),
  warn: (message) => void process.stderr.write(`socket-port: warning: ${message}\n`),
  error: (message) => void process.stderr.write(`socket-port: error: ${message}\n`),
}
