import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync } from 'node:fs'
import { ChildChannel, type Notification, type PeerProcess } from '@socket-port/core/supervisor'
import { quote } from '../base/quote.ts'
import { STOP_SIGNALS } from '../base/stop-signals.ts'
import { Chunks, type FormatLine, WholeLines } from '../output/lines.ts'
import type { OwnOutputs } from '../output/own-outputs.ts'
import type { Child, Exit, Joined } from '../supervisor/child.ts'
import { isAccepting } from './accepting.ts'
import { KeptQueues } from './kept-queues.ts'
import { Lines, type Output, openOutput, Tail } from './output.ts'
import { Servers } from './servers.ts'
import { endSession } from './session.ts'

export interface SpawnOptions {
  file: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  cwd: string
  /** The descriptors that become fd 3 and up. The two descriptors of the channel come after them. */
  fds: readonly number[]
  /** The inodes of the listening sockets among them. */
  inodes: ReadonlySet<bigint>
  /** Where its output goes. */
  outputs: OwnOutputs
  /** Formats its lines; `undefined` to pass its output on as it is. */
  formatLine: FormatLine | undefined
  /** Called with each line of its output. */
  printed(line: string): void
  /** Called with notifications through the channel: a process that cannot send to NOTIFY_SOCKET sends them there. */
  notified(message: Notification): void
  /** Called when the process has ended, before the rest of its session is ended. */
  exited(): void
  /** Called when a process that served in its place has ended. */
  serverEnded(pid: number): void
  /** Called when it has ended while a process below it serves. */
  abandoned(): void
  /** Called at most once: this user may not signal the process. `problem` names the repair. */
  unsignalled(problem: string): void
}

// Milliseconds. How long a wrapper such as npm may take to end by itself after the server below it was stopped.
const WRAPPER_GRACE = 1_000

/** Starts a process. If it cannot be started, returns a child that has ended. */
export function spawnChild(options: SpawnOptions): Child {
  const tail = new Tail()
  const outputs: Output[] = []
  let channel: ChildChannel | undefined
  try {
    channel = new ChildChannel(options.notified)
    const { formatLine, outputs: own } = options
    let pid = -1
    for (const [to, level] of [
      [own.stdout, 'info'],
      [own.stderr, 'error'],
    ] as const) {
      const pieces = formatLine
        ? new WholeLines((line) => formatLine(line, level, pid))
        : new Chunks()
      const lines = new Lines()
      const printed = (text: string): void => {
        tail.add(text)
        for (const line of lines.add(text)) options.printed(line)
      }
      outputs.push(openOutput(to, pieces, printed))
    }
    const writeEnds = outputs.map(({ writeEnd }) => writeEnd)
    const stdio: StdioOptions = ['ignore', ...writeEnds, ...options.fds, ...channel.fds]
    const { file, args, env, cwd } = options
    // `detached` gives it a session of its own, so that Ctrl-C reaches only this process, which passes it on once.
    const child = spawn(file, args, { env, cwd, stdio, detached: true })
    pid = child.pid ?? pid
    return new SpawnedChild(child, outputs, channel, tail, options)
  } catch (error) {
    channel?.close()
    return neverStarted(notStarted(error as Error, options.cwd))
  } finally {
    channel?.started()
    for (const { writeEnd } of outputs) closeSync(writeEnd)
  }
}

class SpawnedChild implements Child {
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  readonly #channel: ChildChannel
  readonly #tail: Tail
  readonly #inodes: ReadonlySet<bigint>
  readonly #servers: Servers
  readonly #kept: KeptQueues = new KeptQueues()
  readonly #unsignalled: (problem: string) => void
  /** The stop signal that was sent to the servers below this process. */
  #stopSignal: NodeJS.Signals | undefined
  /** Stops waiting for the process, because this user may not signal it. */
  #giveUp: (exit: Exit) => void = () => {}
  #isForeign = false

  constructor(
    child: ChildProcess,
    outputs: Output[],
    channel: ChildChannel,
    tail: Tail,
    { cwd, inodes, exited, notified, serverEnded, abandoned, unsignalled }: SpawnOptions,
  ) {
    this.#child = child
    this.#channel = channel
    this.#tail = tail
    this.#inodes = inodes
    this.#unsignalled = unsignalled
    this.#servers = new Servers({
      notified,
      ending: exited,
      ended: (pid) => {
        serverEnded(pid)
        this.#endWrapper()
      },
    })
    const givenUp = new Promise<Exit>((resolve) => {
      this.#giveUp = resolve
    })
    this.exited = Promise.race([exitOf(child, cwd), givenUp]).then(async (exit) => {
      // The wrapper often ends because its server has. A server that outlives it must drain before the session ends.
      if (this.#stopSignal === undefined && this.#servers.signal('SIGTERM')) abandoned()
      await Promise.race([this.#servers.allEnded(), givenUp])
      channel.readNow()
      exited()
      channel.close()
      if (child.pid !== undefined) await endSession(child.pid)
      await Promise.all(outputs.map((output) => output.read()))
      return exit
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get servers(): readonly number[] {
    return this.#servers.pids
  }

  join(server: PeerProcess): Joined {
    return this.#servers.add(server)
  }

  // The server gets the signal, and not the wrapper: some wrappers pass signals on, and others do not.
  signal(signal: NodeJS.Signals): void {
    if (this.#servers.signal(signal)) {
      if (STOP_SIGNALS.includes(signal)) this.#stopSignal ??= signal
      return
    }
    this.#send(this.pid, signal)
  }

  kill(): boolean {
    const { pid } = this
    // A server may have left the process group.
    this.#servers.signal('SIGKILL')
    const isKilled = this.#send(pid, 'SIGKILL')
    this.#send(-pid, 'SIGKILL')
    if (isKilled) return true
    // The process must not keep this one running.
    this.#child.unref()
    this.#giveUp({ code: null, signal: null, error: `process ${pid} goes on` })
    return false
  }

  /**
   * Signals the process, or its group. Returns false if it belongs to another user: ChildProcess.kill() would report that as
   * if the process had not started.
   */
  #send(target: number, signal: NodeJS.Signals): boolean {
    // While the process has not been collected, the kernel does not reuse its pid, nor the id of the group.
    if (!this.#isRunning || this.pid < 0) return true
    try {
      return process.kill(target, signal)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EPERM') return true
      if (!this.#isForeign) this.#unsignalled(whyForeign(this.pid, signal))
      this.#isForeign = true
      return false
    }
  }

  pass(fds: readonly number[], server?: number): boolean {
    if (server !== undefined) return this.#servers.channelOf(server)?.pass(fds) === true
    return this.#isRunning && this.#channel.pass(fds)
  }

  keep(fds: readonly number[], sockets: ReadonlySet<bigint>): void {
    this.#kept.add(fds, sockets)
  }

  passKept(server: number, sockets: ReadonlySet<bigint>): void {
    this.#kept.pass(sockets, (fds) => this.pass(fds, server))
  }

  dropKept(): void {
    this.#kept.drop()
  }

  tellNext(): void {
    this.#servers.tellNext()
    if (this.#isRunning) this.#channel.tellNext()
  }

  // A watcher such as node --watch never ends by itself.
  #endWrapper(): void {
    const signal = this.#stopSignal
    if (signal === undefined || this.#servers.pids.length > 0) return
    setTimeout(() => this.#send(this.pid, signal), WRAPPER_GRACE).unref()
  }

  tail(): string {
    return this.#tail.toString()
  }

  isAccepting(): boolean {
    return isAccepting(this.pid, this.#inodes)
  }
}

const whyForeign = (pid: number, signal: NodeJS.Signals): string =>
  `process ${pid} cannot get ${signal} (EPERM): it runs as another user, and may go on after socket-port run. End it yourself, ` +
  'then run the command as that user, or give it CAP_KILL (capabilities(7))'

async function exitOf(child: ChildProcess, cwd: string): Promise<Exit> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return { code, signal }
  } catch (error) {
    return notStarted(error as Error, cwd)
  }
}

function notStarted({ message }: Error, cwd: string): Exit {
  // The error of the system names the program even when the folder is the problem. The path with `/.` exists only if it is a
  // folder that this user may enter.
  const error = existsSync(`${cwd}/.`)
    ? message
    : `the folder ${quote(cwd)}, in which it starts, does not exist, or this user may not enter it. Create it, or correct its ` +
      'permissions, --cwd, or a symlink in it'
  return { code: null, signal: null, error }
}

function neverStarted(exit: Exit): Child {
  return {
    pid: -1,
    exited: Promise.resolve(exit),
    servers: [],
    join() {
      throw new Error('the process has not started')
    },
    signal() {},
    kill: () => true,
    pass: () => false,
    keep() {},
    passKept() {},
    dropKept() {},
    tellNext() {},
    tail: () => '',
    isAccepting: () => false,
  }
}
