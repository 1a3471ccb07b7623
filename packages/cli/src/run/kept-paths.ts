import type { BigIntStats } from 'node:fs'
import { isStillAt, statAt } from '../base/same-file.ts'
import type { SocketStatus } from '../control/status.ts'
import type { KeptSocket } from './sockets.ts'

type Problem = SocketStatus['problem']

// Milliseconds between two checks: a path may be removed at any time, for example by tmpfiles.d(5).
const CHECK_EVERY = 10_000

interface Kept {
  socket: KeptSocket
  path: string
  /** The file at the path when the socket was opened. */
  file: BigIntStats | undefined
  problem: Problem
}

/**
 * The paths of the unix sockets that are kept. A socket still listens after its path was removed, but no
 * client finds it. Programs cause that when they remove a path before they bind it.
 */
export class KeptPaths {
  readonly #kept: Kept[]
  readonly #warn: (message: string) => void
  readonly #timer: NodeJS.Timeout | undefined

  constructor(sockets: readonly KeptSocket[], warn: (message: string) => void) {
    this.#warn = warn
    this.#kept = sockets.flatMap((socket) => {
      const path = pathOf(socket)
      return path === undefined ? [] : [{ socket, path, file: statAt(path), problem: null }]
    })
    if (this.#kept.length > 0) this.#timer = setInterval(() => this.check(), CHECK_EVERY).unref()
  }

  /** Checks every path, and warns of each new problem. */
  check(): void {
    for (const kept of this.#kept) {
      const before = kept.problem
      kept.problem = problemOf(kept)
      if (kept.problem !== null && kept.problem !== before) this.#warn(warningOf(kept))
    }
  }

  /** The problem of a socket's path, as the last check found it. */
  problemOf(socket: KeptSocket): Problem {
    return this.#kept.find((kept) => kept.socket === socket)?.problem ?? null
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

// An abstract name has no file, and a relative path belongs to the directory of the process that bound it.
const pathOf = ({ address }: KeptSocket): string | undefined =>
  address.startsWith('unix:/') ? address.slice('unix:'.length) : undefined

function problemOf({ path, file }: Kept): Problem {
  if (statAt(path) === undefined) return 'path-gone'
  return isStillAt(path, file) ? null : 'path-replaced'
}

function warningOf({ path, problem, socket }: Kept): string {
  const [what, effect] =
    problem === 'path-gone'
      ? [`${path} has been removed`, 'clients get ENOENT, although its socket still listens']
      : [`another file has replaced ${path}`, 'clients do not reach the socket that is kept here']
  const opener = socket.inherited
    ? 'restart the unit that opened the socket (systemctl restart NAME.socket)'
    : 'stop socket-port run and start it again, which creates the path again'
  return (
    `${what}: ${effect}. A program must not remove or bind the path of a socket that it is passed ` +
    `(LISTEN_FDS): remove that from the program, then ${opener}`
  )
}
