import { nodeCluster } from '../base/built-in.ts'
import type { Logger } from '../base/types.ts'
import { socketAddress } from '../listen/candidate.ts'
import type { Entry } from '../listen/passed-sockets.ts'

let warned = false

/**
 * Warns once if the primary of a cluster opens the socket of its workers: it is the manager's, and the workers have no
 * part in a restart.
 */
export function warnOfCluster(entry: Entry, logger: Logger): void {
  if (warned || Object.keys(nodeCluster().workers ?? {}).length === 0) return
  warned = true
  logger.warn(
    `the program serves ${socketAddress(entry)} by workers of node:cluster, which cannot take the socket of the manager. ` +
      'Turn the cluster off, and let the manager start several processes on one socket: ' +
      'socket-port run --register --workers N -- node server.js',
  )
}
