// How `--register` brings the preload of core into every process of Node that a command starts.
import { createRequire } from 'node:module'

/** The path of the preload in the installation of this command: the program need not have the package. */
export const preloadPath = (): string =>
  createRequire(import.meta.url).resolve('@socket-port/core/register')

/**
 * Returns a value of NODE_OPTIONS that loads the preload, and then does what the value before says; pure. The preload
 * comes first, since another preload may start the program, or read LISTEN_FDS. `--require` suits every kind of program.
 */
export function withPreload(path: string, before: string | undefined): string {
  // Node splits the value at spaces that are not in double quotes, in which a backslash escapes (node.cc,
  // ParseNodeOptionsEnvVar).
  const word = path.replace(/[\\"]/g, '\\$&')
  return [`--require="${word}"`, before].filter(Boolean).join(' ')
}
