import { ancestorsOf, argvOf, procIsOurs } from './process.ts'

/**
 * Whether this process was started by a program that restarts it at each change of its code: node
 * --watch, tsx watch or nodemon.
 */
export function isWatched(env: NodeJS.ProcessEnv = process.env): boolean {
  // Under `socket-port run` the new code starts before this process ends, so no person waits for its end.
  if (env.SOCKET_PORT_GENERATION !== undefined) return false
  // Node's own watch mode sets it for its child (lib/internal/main/watch_mode.js).
  if (env.WATCH_REPORT_DEPENDENCIES !== undefined) return true
  // Other systems have no /proc: there nodemon and tsx watch get the full drain.
  return procIsOurs() && ancestorsOf(process.pid).some((pid) => isWatcher(argvOf(pid)))
}

/** Whether it is the command line of tsx watch or nodemon; pure. */
export function isWatcher(argv: readonly string[]): boolean {
  // The program is the first word, or the first one after node and its options.
  const words = argv.filter((word, index) => index === 0 || !word.startsWith('-'))
  const program = /(^|\/)node(js)?$/.test(words[0] ?? '') ? words.slice(1) : words
  const [file = '', command] = program
  if (/(^|\/)nodemon(\.js)?$/.test(file)) return true
  return /(^|\/)tsx(\/dist\/cli\.[cm]js)?$/.test(file) && command === 'watch'
}
