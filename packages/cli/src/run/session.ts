import {
  type Notification,
  type NotifySocket,
  openNotifySocket,
} from '@socket-port/core/supervisor'
import type { ExitCode } from '../base/exit-codes.ts'
import type { LaunchContext } from '../child/command-line.ts'
import type { OwnOutputs } from '../child/own-output.ts'
import { realClock } from '../supervisor/clock.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { openControl } from './control-requests.ts'
import { readEnvFiles } from './env-files.ts'
import { FdStore } from './fd-store.ts'
import { KeptPaths } from './kept-paths.ts'
import { Launcher, type Spec } from './launch.ts'
import { dispatch } from './notifications.ts'
import type { RunOptions } from './options.ts'
import { OwnManager } from './own-manager.ts'
import { startReaper } from './reaper.ts'
import { ReloadLog } from './reload-log.ts'
import type { Reporter } from './reporter.ts'
import { listenToSignals } from './signals.ts'
import { announcement, inodeOf, type KeptSocket } from './sockets.ts'
import { Shutdown } from './stop.ts'

/** One `socket-port run`, from the start of its first process to the end of its last. */
export class Run {
  readonly #options: RunOptions
  readonly #sockets: readonly KeptSocket[]
  readonly #reporter: Reporter
  readonly #manager: OwnManager
  readonly #paths: KeptPaths
  readonly #store: FdStore = new FdStore()
  readonly #notifySocket: NotifySocket
  readonly #supervisor: Supervisor<Spec>
  readonly #reloadLog: ReloadLog<Spec>
  readonly #shutdown: Shutdown<Spec>
  readonly #closers: (() => unknown)[] = []

  constructor(
    options: RunOptions,
    sockets: readonly KeptSocket[],
    launchContext: LaunchContext,
    reporter: Reporter,
    outputs: OwnOutputs,
  ) {
    this.#options = options
    this.#sockets = sockets
    this.#reporter = reporter
    this.#paths = new KeptPaths(sockets, (message) => reporter.logger.warn(message))
    this.#closers.push(() => this.#paths.close())
    this.#manager = new OwnManager(reporter.logger)
    const receive = this.#receiver()
    this.#notifySocket = openNotifySocket(receive)
    const notifications = { socket: this.#notifySocket, receive }
    const processes = new Launcher(
      options,
      sockets,
      this.#store,
      notifications,
      launchContext,
      outputs,
    )
    const { workers, replace, watch, envFiles } = options
    this.#supervisor = new Supervisor({
      ...{ workers, replace, retry: watch === undefined ? 'for-ever' : 'once', clock: realClock },
      prepare: async (generation) => {
        this.#reloadLog.starting(generation)
        return { files: await readEnvFiles(envFiles) }
      },
      launch: (spec, place) => processes.start(spec, place),
      report: (message) => reporter.report(message),
      settled: (outcome) => {
        this.#reloadLog.settled(outcome)
        this.#paths.look()
      },
    })
    const { pool } = this.#supervisor
    this.#reloadLog = new ReloadLog(pool, this.#manager)
    this.#shutdown = new Shutdown({
      pool,
      report: (message) => reporter.report(message),
      stopping: () => this.#reloadLog.stopping(),
    })
  }

  /** Resolves with the exit code when every process has ended. */
  async toTheEnd(): Promise<ExitCode> {
    try {
      await this.#listen()
      await this.#begin()
      return await this.#shutdown.over
    } finally {
      this.#manager.quiet()
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
      const { pool } = this.#supervisor
      dispatch(message, {
        ...{ table: pool.table, access, store: this.#store, kept },
        replacementOf: (worker) => pool.replacementOf(worker),
        heard: (worker) => this.#reloadLog.heard(worker),
      })
    }
  }

  /** Listens to the control socket and to signals, and collects orphans where this is PID 1. */
  async #listen(): Promise<void> {
    const supervisor = this.#supervisor
    const { slots, table } = supervisor.pool
    const control = await openControl({
      ...{ options: this.#options, sockets: this.#sockets, paths: this.#paths, store: this.#store },
      ...{ reporter: this.#reporter, supervisor, reloadLog: this.#reloadLog },
      stop: () => this.#shutdown.stop('SIGTERM'),
    })
    if (control !== undefined) this.#closers.push(() => control.close())
    this.#closers.push(startReaper(() => table.workers.map(({ pid }) => pid)))
    const ignoring = listenToSignals({
      reload: () => void supervisor.reload(),
      stop: (signal) => void this.#shutdown.stop(signal),
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
    if (!first.ok && watch === undefined && !this.#supervisor.pool.isStopping) {
      await this.#shutdown.fail()
    }
  }
}
