import { type BigIntStats, lstatSync } from 'node:fs'
import type { SocketStatus } from '../control/status.ts'
import type { KeptSocket } from './sockets.ts'

type Problem = SocketStatus['problem']

// Between two looks without an occasion: a path may be removed at any time, as by tmpfiles.d(5).
const LOOK_AGAIN = 10_000

interface Kept {
  socket: KeptSocket
  path: string
  /** What stood at the path when the socket was opened. */
  file: BigIntStats | undefined
  problem: Problem
}

/**
 * The paths of the unix sockets that are kept. A socket listens on when its path has been removed,
 * and no client finds it: programs do that which remove a path before they bind it.
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
    if (this.#kept.length > 0) this.#timer = setInterval(() => this.look(), LOOK_AGAIN).unref()
  }

  /** Warns of each path that has become wrong since the last look. */
  look(): void {
    for (const kept of this.#kept) {
      const before = kept.problem
      kept.problem = problemOf(kept)
      if (kept.problem !== null && kept.problem !== before) this.#warn(warningOf(kept))
    }
  }

  /** What was wrong with the path of a socket at the last look. */
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
  const now = statAt(path)
  if (now === undefined) return 'path-gone'
  return file !== undefined && now.dev === file.dev && now.ino === file.ino ? null : 'path-replaced'
}

function warningOf({ path, problem, socket }: Kept): string {
  const [what, effect] =
    problem === 'path-gone'
      ? [`${path} has been removed`, 'clients get ENOENT, though its socket still listens']
      : [`another file stands at ${path}`, 'clients do not reach the socket that is kept here']
  const opener = socket.inherited
    ? 'restart what has opened the socket (systemctl restart NAME.socket)'
    : 'stop socket-port run and start it again, which makes the path anew'
  return (
    `${what}: ${effect}. A program must not remove or bind the path of a socket that it is passed ` +
    `(LISTEN_FDS): take that out of the program, then ${opener}`
  )
}

function statAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true })
  } catch {
    return undefined
  }
}
