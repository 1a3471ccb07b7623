import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { type CommandEnd, PRIVATE_RUN, SOCKET_PORT, socketPort } from './command.ts'
import { type Generation, startGeneration } from './generation.ts'
import type { PassedSocket } from './launch.ts'

export interface SupervisedOptions {
  /** Options of `socket-port run`. @default ['--listen', '127.0.0.1:0'] */
  args?: readonly string[]
  command: readonly string[]
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** The Node that runs `socket-port`. @default process.execPath */
  execPath?: string
  sockets?: readonly PassedSocket[]
  /** Words before `socket-port run` on the command line, such as `unshare`. */
  prefix?: readonly string[]
}

/** A `socket-port run` with a control socket of its own. */
export interface Supervised {
  readonly generation: Generation
  readonly pid: number
  /** Waits until `run` or one of its processes has printed the pattern, also on stderr; resolves with the match. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>
  /** The port of the first address that `run` keeps. */
  port(): Promise<number>
  /** Runs another command, such as `socket-port reload`, that finds this `run` alone. */
  ask(...args: string[]): Promise<CommandEnd>
  /** Returns what `socket-port status --json` prints. Asks the control socket itself, since starting a process takes longer. */
  status(): Promise<SupervisedStatus>
  /** Asks for the status until `holds` accepts it. Only for changes that no output and no event announces. */
  until(holds: (status: SupervisedStatus) => boolean): Promise<SupervisedStatus>
  /** Returns how many descriptors `run` has open, including one for the connection of this question. */
  openFds(): Promise<number>
  /** Resolves when `run` has at most so many descriptors open. With a leak it never does. */
  untilOpenFds(most: number): Promise<void>
  dispose(): Promise<void>
}

/** The part of `status --json` that tests look at. */
export interface SupervisedStatus {
  pid: number
  state: string
  restarts: number
  stored: readonly string[]
  connections: {
    handedOver: number
    received: number
    webSockets: number
    eventStreams: number
    tunnels: number
    cut: number
  }
  reloads: { succeeded: number; failed: number }
  generations: readonly {
    number: number
    workers: readonly {
      worker: number
      pid: number
      state: string
      status: string | null
      received: number
      handedOver: number
    }[]
  }[]
}

/** Starts `socket-port run`. Its stdout and stderr, and those of its processes, are one text. */
export function startSupervised(options: SupervisedOptions): Supervised {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-run-'))
  const env = { XDG_RUNTIME_DIR: directory, XDG_CACHE_HOME: directory, ...options.env }
  const { args = ['--listen', '127.0.0.1:0'], prefix = [], cwd, sockets = [] } = options
  const { execPath = process.execPath } = options
  const run = [...prefix, execPath, '--', SOCKET_PORT, 'run', ...args, '--', ...options.command]
  const generation = startGeneration({
    command: ['/bin/sh', '-c', 'exec "$0" "$@" 2>&1', ...run],
    env,
    sockets,
    ...(cwd !== undefined && { cwd }),
  })
  // With the shared temporary folder, the command would find every other `run` of this user.
  const alone = { env: { TMPDIR: directory, ...env }, prefix: PRIVATE_RUN }
  const ask = (...words: string[]): Promise<CommandEnd> => socketPort(words, alone)
  const folder = join(directory, 'socket-port')
  const status = (): Promise<SupervisedStatus> => askStatus(connectControl(folder))
  const openFds = async (): Promise<number> => {
    // This end of the connection stays open, so `run` has exactly one connection open during the count.
    const socket = connectControl(folder, { allowHalfOpen: true })
    await askStatus(socket)
    const fds = readdirSync(`/proc/${generation.pid}/fd`).length
    socket.destroy()
    return fds
  }
  return {
    generation,
    pid: generation.pid,
    printed: (pattern) => generation.printed(pattern),
    port: async () => Number((await generation.printed(/socket-port: keeps \S*:(\d+)/))[1]),
    ask,
    status,
    async until(holds) {
      for (;;) {
        const current = await status()
        if (holds(current)) return current
        await setTimeout(10)
      }
    },
    openFds,
    async untilOpenFds(most) {
      while ((await openFds()) > most) await setTimeout(10)
    },
    async dispose() {
      await generation.dispose()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Connects to the only control socket of the folder. */
function connectControl(folder: string, options: { allowHalfOpen?: boolean } = {}): Socket {
  const [name] = readdirSync(folder).filter((file) => file.endsWith('.sock'))
  return connect({ path: join(folder, String(name)), ...options })
}

async function askStatus(socket: Socket): Promise<SupervisedStatus> {
  socket.write('{"command":"status"}\n')
  const { answer } = JSON.parse(await text(socket)) as { answer: { status: SupervisedStatus } }
  return answer.status
}

/** A directory of releases. Each has a `server`, and the symlink `current` leads to the newest. */
export class Releases {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'socket-port-releases-'))
  /** The path to run: the server of the current release. */
  readonly server: string = join(this.directory, 'current', 'server')
  #count = 0

  /** Deploys a shell script; `undefined` deploys a release without one. */
  deploy(script: string | undefined, mode = 0o755): void {
    this.#count += 1
    const release = join(this.directory, String(this.#count))
    mkdirSync(release)
    if (script !== undefined) {
      writeFileSync(join(release, 'server'), `#!/bin/sh\n${script}\n`)
      chmodSync(join(release, 'server'), mode)
    }
    symlinkSync(release, join(this.directory, 'next'))
    renameSync(join(this.directory, 'next'), join(this.directory, 'current'))
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true })
  }
}
