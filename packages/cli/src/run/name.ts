import { basename } from 'node:path'
import type { RunOptions } from './options.ts'

/** The name of the control socket: the given one, else from the first address, else from the program. Pure. */
export function nameOf({
  name,
  listen,
  command,
}: Pick<RunOptions, 'name' | 'listen' | 'command'>): string {
  if (name !== undefined) return name
  const [first] = listen
  if (first?.path !== undefined) return plain(basename(first.path))
  // Port 0 means another port at each start.
  if (first?.port !== undefined && first.port > 0) {
    return plain([first.host, String(first.port)].filter((part) => part !== undefined).join('_'))
  }
  return plain(basename(command.findLast((word) => !word.startsWith('-')) ?? command[0]))
}

const plain = (text: string): string =>
  text
    .replace(/[^\w.-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64) || 'socket-port'
