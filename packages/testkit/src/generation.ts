import { type ChildProcess, spawn } from 'node:child_process'
import { now } from './clock.ts'
import { type GenerationOptions, launch } from './launch.ts'
import { end, track } from './processes.ts'

export type { GenerationOptions, Inherit, PassedSocket } from './launch.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly at: number
}

/** The line of JSON that a fixture prints when it serves. */
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
  /** When it printed the ready line; `undefined` before. */
  readonly readyAt: number | undefined
  /** Resolves when the process is gone and all its output has been read. */
  readonly exit: Promise<Exit>
  readonly stdout: string
  readonly stderr: string
  /** stdout and stderr, in the order of arrival. */
  readonly output: string
  /** Waits for the ready line. Rejects, with the output, when the process ends without one. */
  ready(): Promise<Ready>
  /** Waits until stdout contains the pattern, and resolves with the match. Rejects when the process ends without one. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>
  signal(signal: NodeJS.Signals): void
  /** Ends the process and its children, if any still run. */
  dispose(): Promise<void>
}

const READY = /^\{"ready":true[^\n]*\}(?=\n)/m

/** Starts one process of a server as a socket manager does. `endProcesses` ends it if it still runs. */
export function startGeneration(options: GenerationOptions): Generation {
  const { file, args, env, fds } = launch(options)
  const spawnedAt = now()
  const child = spawn(file, args, {
    cwd: options.cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe', ...fds, ...(options.ipc ? (['ipc'] as const) : [])],
    // A process group of its own: cleaning up then ends its children too.
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
    const [line] = await this.printed(READY)
    return JSON.parse(line) as Ready
  }

  printed(pattern: RegExp): Promise<RegExpMatchArray> {
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
