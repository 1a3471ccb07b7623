import { type Notification, type NotifySocket, openNotifySocket } from '@socket-port/core/manager'
import { readEnvFiles } from '../env-file/read.ts'
import { realClock } from '../supervisor/clock.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { Account } from './account.ts'
import { openControl } from './answers.ts'
import type { Launcher } from './command-line.ts'
import { Ending } from './ending.ts'
import type { ExitCode } from './exit-codes.ts'
import { FdStore } from './fd-store.ts'
import { KeptPaths } from './kept-paths.ts'
import { dispatch } from './notifications.ts'
import type { RunOptions } from './options.ts'
import type { OwnOutputs } from './own-output.ts'
import { Processes, type Spec } from './processes.ts'
import { startReaper } from './reaper.ts'
import type { Reporter } from './reporter.ts'
import { listenToSignals } from './signals.ts'
import { announcement, inodeOf, type KeptSocket } from './sockets.ts'
import { Upstream } from './upstream.ts'

/** One `socket-port run`, from the start of its first process to the end of its last. */
export class Run {
  readonly #options: RunOptions
  readonly #sockets: readonly KeptSocket[]
  readonly #reporter: Reporter
  readonly #upstream: Upstream
  readonly #paths: KeptPaths
  readonly #store: FdStore = new FdStore()
  readonly #notifySocket: NotifySocket
  readonly #supervisor: Supervisor<Spec>
  readonly #account: Account<Spec>
  readonly #ending: Ending<Spec>
  readonly #closers: (() => unknown)[] = []

  constructor(
    options: RunOptions,
    sockets: readonly KeptSocket[],
    launcher: Launcher,
    reporter: Reporter,
    outputs: OwnOutputs,
  ) {
    this.#options = options
    this.#sockets = sockets
    this.#reporter = reporter
    this.#paths = new KeptPaths(sockets, (message) => reporter.logger.warn(message))
    this.#closers.push(() => this.#paths.close())
    this.#upstream = new Upstream(reporter.logger)
    const receive = this.#receiver()
    this.#notifySocket = openNotifySocket(receive)
    const notifications = { socket: this.#notifySocket, receive }
    const processes = new Processes(options, sockets, this.#store, notifications, launcher, outputs)
    const { workers, replace, watch, envFiles } = options
    this.#supervisor = new Supervisor({
      ...{ workers, replace, retry: watch === undefined ? 'for-ever' : 'once', clock: realClock },
      prepare: async (generation) => {
        this.#account.starting(generation)
        return { files: await readEnvFiles(envFiles) }
      },
      launch: (spec, place) => processes.start(spec, place),
      report: (message) => reporter.report(message),
      settled: (outcome) => {
        this.#account.settled(outcome)
        this.#paths.look()
      },
    })
    const { crew } = this.#supervisor
    this.#account = new Account(crew, this.#upstream)
    this.#ending = new Ending({
      crew,
      report: (message) => reporter.report(message),
      stopping: () => this.#account.stopping(),
    })
  }

  /** Resolves with the exit code when every process has ended. */
  async toTheEnd(): Promise<ExitCode> {
    try {
      await this.#listen()
      await this.#begin()
      return await this.#ending.over
    } finally {
      this.#upstream.quiet()
      for (const close of this.#closers.reverse()) await close()
      await this.#notifySocket.close()
      this.#store.close()
    }
  }

  /** Gives each message of a process to the one that it is of. */
  #receiver(): (message: Notification) => void {
    const kept = new Set(this.#sockets.flatMap(({ fds }) => fds).map(inodeOf))
    const { notifyAccess: access } = this.#options
    return (message) => {
      const { crew } = this.#supervisor
      dispatch(message, {
        ...{ population: crew.population, access, store: this.#store, kept },
        successorOf: (worker) => crew.successorOf(worker),
        heard: (worker) => this.#account.heard(worker),
      })
    }
  }

  /** Listens to the control socket and to signals, and collects orphans where this is PID 1. */
  async #listen(): Promise<void> {
    const supervisor = this.#supervisor
    const { slots, population } = supervisor.crew
    const control = await openControl({
      ...{ options: this.#options, sockets: this.#sockets, paths: this.#paths, store: this.#store },
      ...{ reporter: this.#reporter, supervisor, account: this.#account },
      stop: () => this.#ending.stop('SIGTERM'),
    })
    if (control !== undefined) this.#closers.push(() => control.close())
    this.#closers.push(startReaper(() => population.workers.map(({ pid }) => pid)))
    const ignoring = listenToSignals({
      reload: () => void supervisor.reload(),
      stop: (signal) => void this.#ending.stop(signal),
      forward: (signal) => {
        for (const { current } of slots) current?.signal(signal)
      },
    })
    this.#closers.push(ignoring)
  }

  async #begin(): Promise<void> {
    const { watch } = this.#options
    this.#reporter.report(announcement(this.#sockets))
    // Watch before the first process reads its code, so that no change is missed.
    const watcher = await watch?.((reason) => {
      this.#reporter.report(reason)
      this.#supervisor.supersede()
      void this.#supervisor.reload()
    })
    if (watcher !== undefined) this.#closers.push(() => watcher.close())
    const first = await this.#supervisor.reload()
    if (!first.ok && watch === undefined && !this.#supervisor.crew.isStopping) {
      await this.#ending.fail()
    }
  }
}
