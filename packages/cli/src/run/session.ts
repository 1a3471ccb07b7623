import { type NotifySocket, openNotifySocket } from '@socket-port/core/manager'
import { readEnvFiles } from '../env-file/read.ts'
import { realClock } from '../supervisor/clock.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { Account } from './account.ts'
import { openControl } from './answers.ts'
import type { Launcher } from './command-line.ts'
import type { ExitCode } from './exit-codes.ts'
import { FdStore } from './fd-store.ts'
import { dispatch } from './notifications.ts'
import type { RunOptions } from './options.ts'
import { Processes, type Spec } from './processes.ts'
import { startReaper } from './reaper.ts'
import type { Reporter } from './reporter.ts'
import { listenToSignals } from './signals.ts'
import { inodeOf, type KeptSocket } from './sockets.ts'
import { Upstream } from './upstream.ts'

/** One `socket-port run` from its first process to its last. */
export class Run {
  readonly #options: RunOptions
  readonly #sockets: readonly KeptSocket[]
  readonly #reporter: Reporter
  readonly #upstream: Upstream
  readonly #store: FdStore = new FdStore()
  readonly #notifySocket: NotifySocket
  readonly #supervisor: Supervisor<Spec>
  readonly #account: Account<Spec>
  readonly #closers: (() => unknown)[] = []
  #exitCode: ExitCode = 0
  #stopped: Promise<ExitCode> | undefined
  #nowStopping: () => void = () => {}

  constructor(
    options: RunOptions,
    sockets: readonly KeptSocket[],
    launcher: Launcher,
    reporter: Reporter,
  ) {
    this.#options = options
    this.#sockets = sockets
    this.#reporter = reporter
    this.#upstream = new Upstream(reporter.logger)
    this.#notifySocket = this.#listenToProcesses()
    const { address } = this.#notifySocket
    const processes = new Processes(options, sockets, this.#store, address, launcher)
    const { workers, replace, watch, envFiles } = options
    this.#supervisor = new Supervisor({
      ...{ workers, replace, retry: watch === undefined ? 'for-ever' : 'once', clock: realClock },
      prepare: async (generation) => {
        this.#account.starting(generation)
        return { files: await readEnvFiles(envFiles) }
      },
      launch: (spec, place) => processes.start(spec, place),
      report: (message) => reporter.report(message),
      settled: (outcome) => this.#account.settled(outcome),
    })
    this.#account = new Account(this.#supervisor.crew, this.#upstream)
  }

  /** Resolves with the exit code when every process is gone. */
  async toTheEnd(): Promise<ExitCode> {
    const stopping = new Promise<void>((resolve) => {
      this.#nowStopping = resolve
    })
    try {
      await this.#listen()
      await this.#begin()
      await stopping
      return (await this.#stopped) ?? this.#exitCode
    } finally {
      this.#upstream.quiet()
      for (const close of this.#closers.reverse()) await close()
      await this.#notifySocket.close()
      this.#store.close()
    }
  }

  #listenToProcesses(): NotifySocket {
    const kept = new Set(this.#sockets.flatMap(({ fds }) => fds).map(inodeOf))
    const { notifyAccess: access } = this.#options
    return openNotifySocket((message) => {
      const { crew } = this.#supervisor
      dispatch(message, {
        ...{ population: crew.population, access, store: this.#store, kept },
        successorOf: (worker) => crew.successorOf(worker),
        heard: (worker) => this.#account.heard(worker),
      })
    })
  }

  /** To clients of the control socket, to signals, and to orphans where this is PID 1. */
  async #listen(): Promise<void> {
    const supervisor = this.#supervisor
    const { slots, population } = supervisor.crew
    const control = await openControl({
      ...{ options: this.#options, sockets: this.#sockets, store: this.#store },
      ...{ reporter: this.#reporter, supervisor, account: this.#account },
      stop: () => this.#stop('SIGTERM'),
    })
    if (control !== undefined) this.#closers.push(() => control.close())
    this.#closers.push(startReaper(() => population.workers.map(({ pid }) => pid)))
    const ignoring = listenToSignals({
      reload: () => void supervisor.reload(),
      stop: (signal) => void this.#stop(signal),
      forward: (signal) => {
        for (const { current } of slots) current?.signal(signal)
      },
    })
    this.#closers.push(ignoring)
  }

  async #begin(): Promise<void> {
    const { watch } = this.#options
    const { crew } = this.#supervisor
    this.#announce()
    const first = await this.#supervisor.reload()
    if (crew.isStopping) return
    if (!first.ok && watch === undefined) {
      this.#exitCode = 1
      await this.#stop('SIGTERM')
      return
    }
    const watcher = await watch?.((reason) => {
      this.#reporter.report(reason)
      this.#supervisor.supersede()
      void this.#supervisor.reload()
    })
    if (watcher !== undefined) this.#closers.push(() => watcher.close())
  }

  #announce(): void {
    const sockets = this.#sockets.map(({ name, address, inherited }) => {
      const named = name === 'unknown' ? '' : ` (${name})`
      return `${address}${named}${inherited ? ', inherited' : ''}`
    })
    const none =
      'keeps no socket: two generations can run at once only if the program binds none, or stores ' +
      'its own (fdStore). Give --listen PORT'
    this.#reporter.report(sockets.length === 0 ? none : `keeps ${sockets.join('; ')}`)
  }

  /** Ends every process; the second call is impatient, and resolves with the first. */
  async #stop(signal: NodeJS.Signals): Promise<ExitCode> {
    const { crew } = this.#supervisor
    const { killed, workers } = crew.population
    if (!crew.isStopping) {
      const { length } = workers
      const drain = `stops: ${length} ${length === 1 ? 'process drains' : 'processes drain'}`
      if (length > 0) this.#reporter.report(drain)
      this.#account.stopping()
    }
    const gone = crew.stop(signal)
    this.#stopped ??= gone.then(() => {
      if (this.#exitCode === 0 && crew.population.killed > killed) this.#exitCode = 5
      return this.#exitCode
    })
    this.#nowStopping()
    return this.#stopped
  }
}
