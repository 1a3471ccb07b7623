// `--register` loads the preload of core into every process of Node that a command starts.
import { createRequire } from 'node:module'

/** The path of the preload in the installation of this command, so that the program need not install the package. */
export const preloadPath = (): string =>
  createRequire(import.meta.url).resolve('@socket-port/core/register')

/**
 * Returns a value for NODE_OPTIONS that loads the preload, followed by the value `before`; pure. The preload comes
 * first, since another preload may start the program, or read LISTEN_FDS. `--require` works for ES modules and CommonJS.
 */
export function withPreload(path: string, before: string | undefined): string {
  // Node splits the value at spaces that are not in double quotes, in which a backslash escapes (node.cc,
  // ParseNodeOptionsEnvVar).
  const word = path.replace(/[\\"]/g, '\\$&')
  return [`--require="${word}"`, before].filter(Boolean).join(' ')
}
