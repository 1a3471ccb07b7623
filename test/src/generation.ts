import { type ChildProcess, spawn } from 'node:child_process'
import { now } from './clock.ts'
import { end, track } from './processes.ts'

/** Who the inherited sockets are for, as `LISTEN_PID` says it; `none` passes no socket at all. */
export type Inherit = 'pid' | 'no-pid' | 'none'

export interface PassedSocket {
  readonly fd: number
  /** Its place in `LISTEN_FDNAMES`; once one socket has a name, the nameless are `unknown`. */
  readonly name?: string
}

export interface GenerationOptions {
  /** The program and its arguments. Give this or `script`. */
  command?: readonly string[]
  /** A script for `execPath`. */
  script?: string
  args?: readonly string[]
  /** The sockets that become fd 3 and up. @default [] */
  sockets?: readonly PassedSocket[]
  /** @default 'pid', or 'none' without sockets */
  inherit?: Inherit
  /** Variables beside PATH and HOME; the rest of this process's environment is not passed. */
  env?: Readonly<Record<string, string>>
  /** The Node binary that runs `script`. @default process.execPath */
  execPath?: string
  cwd?: string
  /** Opens an IPC channel after the sockets (`child.send`, `child.on('message')`). @default false */
  ipc?: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly at: number
}

/** What a fixture prints, as one line of JSON, when it serves. */
export interface Ready {
  readonly ready: true
  readonly port?: number
  readonly [key: string]: unknown
}

/** One process of a server. Times are those of `now()`. */
export interface Generation {
  readonly pid: number
  readonly child: ChildProcess
  readonly spawnedAt: number
  /** When the ready line came; `undefined` before. */
  readonly readyAt: number | undefined
  /** Resolves when the process is gone and all its output has been read. */
  readonly exit: Promise<Exit>
  readonly stdout: string
  readonly stderr: string
  /** Both, in the order of arrival. */
  readonly output: string
  /** The ready line; rejects, with the output, when the process ends without one. */
  ready(): Promise<Ready>
  /** The first match in stdout; rejects, with the output, when the process ends without one. */
  said(pattern: RegExp): Promise<RegExpMatchArray>
  signal(signal: NodeJS.Signals): void
  /** Ends the process and its children, if any still run. */
  dispose(): Promise<void>
}

const READY = /^\{"ready":true[^\n]*\}(?=\n)/m

/** Starts one process of a server the way a socket manager does; `endProcesses` ends what is left. */
export function startGeneration(options: GenerationOptions): Generation {
  const inherit = options.inherit ?? (options.sockets?.length ? 'pid' : 'none')
  const sockets = inherit === 'none' ? [] : (options.sockets ?? [])
  const [file, args] = commandLine(options, inherit)
  const fds = sockets.map((socket) => socket.fd)
  const spawnedAt = now()
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: environment(options, inherit, sockets),
    stdio: ['ignore', 'pipe', 'pipe', ...fds, ...(options.ipc ? (['ipc'] as const) : [])],
    // Its own process group, so that cleaning up reaches what it started too.
    detached: true,
  })
  return new SpawnedGeneration(child, spawnedAt)
}

class SpawnedGeneration implements Generation {
  readonly child: ChildProcess
  readonly spawnedAt: number
  readonly exit: Promise<Exit>
  readyAt: number | undefined
  stdout = ''
  stderr = ''
  output = ''
  #gone = false
  #spawnError: Error | undefined
  readonly #watchers = new Set<() => void>()

  constructor(child: ChildProcess, spawnedAt: number) {
    this.child = child
    this.spawnedAt = spawnedAt
    track(child)
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear('stdout', text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear('stderr', text))
    child.on('error', (error) => {
      this.#spawnError = error
    })
    let at = spawnedAt
    child.once('exit', () => {
      at = now()
    })
    this.exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#gone = true
        for (const look of this.#watchers) look()
        resolve({ code, signal, at })
      })
    })
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  async ready(): Promise<Ready> {
    const [line] = await this.said(READY)
    return JSON.parse(line) as Ready
  }

  said(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = this.stdout.match(pattern)
        if (match === null && !this.#gone) return
        this.#watchers.delete(look)
        if (match !== null) resolve(match)
        else reject(this.#silence(pattern))
      }
      this.#watchers.add(look)
      look()
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  dispose(): Promise<void> {
    return end(this.child)
  }

  #hear(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text
    this.output += text
    if (this.readyAt === undefined && READY.test(this.stdout)) this.readyAt = now()
    for (const look of this.#watchers) look()
  }

  #silence(pattern: RegExp): Error {
    const { exitCode, signalCode, spawnargs } = this.child
    const how = this.#spawnError?.message ?? `ended with ${signalCode ?? `code ${exitCode}`}`
    const command = spawnargs.join(' ')
    return new Error(`${command} ${how} before it printed ${pattern}:\n${this.output}`)
  }
}

function commandLine(options: GenerationOptions, inherit: Inherit): [string, string[]] {
  const { command, script, args = [], execPath = process.execPath } = options
  const line = command ?? (script === undefined ? [] : [execPath, script])
  const [file, ...rest] = [...line, ...args]
  if (file === undefined) throw new Error('startGeneration: give a `command` or a `script`')
  if (inherit !== 'pid') return [file, rest]
  // The pid is known only after the fork; `exec` keeps it.
  return ['/bin/sh', ['-c', 'LISTEN_PID=$$ exec "$0" "$@"', file, ...rest]]
}

function environment(
  options: GenerationOptions,
  inherit: Inherit,
  sockets: readonly PassedSocket[],
): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: process.env.HOME }
  if (inherit !== 'none') {
    env.LISTEN_FDS = String(sockets.length)
    if (sockets.some((socket) => socket.name !== undefined)) {
      env.LISTEN_FDNAMES = sockets.map((socket) => socket.name ?? 'unknown').join(':')
    }
  }
  return { ...env, ...options.env }
}
