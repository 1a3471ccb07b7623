import {
  type Notification,
  type NotifySocket,
  openNotifySocket,
} from '@socket-port/core/supervisor'
import { quote } from '../base/quote.ts'
import { oddNames, type StartFacts } from '../child/start.ts'
import type { Metrics } from '../metrics/open-metrics.ts'
import type { LineFormat } from '../output/line-format.ts'
import type { OwnOutputs } from '../output/own-outputs.ts'
import type { Reporter } from '../output/reporter.ts'
import { realClock } from '../supervisor/clock.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import type { Worker } from '../supervisor/worker.ts'
import { compileCache } from './compile-cache.ts'
import { readEnvFiles } from './env-files.ts'
import { FdStore } from './fd-store.ts'
import { Launcher, type Spec } from './launch.ts'
import { DrainLine, type DrainProgress, LongDrains } from './long-drains.ts'
import { deliver } from './notifications.ts'
import type { RunOptions } from './options.ts'
import type { OwnManager } from './own-manager.ts'
import { ReloadLog } from './reload-log.ts'
import { ServerReports } from './server-reports.ts'
import { inodeOf, type KeptSocket } from './sockets.ts'

export interface GenerationsOptions {
  options: RunOptions
  sockets: readonly KeptSocket[]
  facts: StartFacts
  outputs: OwnOutputs
  format: LineFormat
  reporter: Reporter
  manager: OwnManager
  /** Called once for each start or reload, when it has succeeded or failed. */
  settled(): void
}

/** Connects the supervisor with the operating system: prepares and starts generations, receives notifications. */
export class Generations {
  readonly supervisor: Supervisor<Spec>
  readonly reloadLog: ReloadLog<Spec>
  readonly store: FdStore = new FdStore()
  readonly launcher: Launcher
  readonly serverReports: ServerReports
  /** Called for each process that was started, and for each reload (`--metrics`). */
  observer: Pick<Metrics, 'started' | 'settled'> | undefined
  readonly #options: RunOptions
  readonly #notifySocket: NotifySocket
  readonly #drains: DrainProgress
  /** The inodes of the kept sockets. */
  readonly #kept: ReadonlySet<bigint>

  constructor(context: GenerationsOptions) {
    const { options, sockets, facts, outputs, format, reporter, manager, settled } = context
    const { workers, replace, watch, envFiles } = options
    const { warn } = reporter.logger
    const cacheFolder = options.compileCache ? compileCache({ warn }) : () => undefined
    this.#options = options
    this.#kept = new Set(sockets.flatMap(({ fds }) => fds).map(inodeOf))
    const receive = (message: Notification): void => this.#receive(message)
    this.#notifySocket = openNotifySocket(receive)
    this.serverReports = new ServerReports(realClock, (message) => reporter.report(message))
    const serverEnded = (worker: Worker, pid: number): void => this.serverReports.ended(worker, pid)
    const unsignalled = (problem: string): void => reporter.report(problem, 'error')
    const notifications = { socket: this.#notifySocket, receive, serverEnded, unsignalled }
    const { store } = this
    const launcher = new Launcher({
      options,
      sockets,
      store,
      notifications,
      facts,
      outputs,
      format,
    })
    this.launcher = launcher
    this.supervisor = new Supervisor({
      workers,
      replace,
      retry: watch === undefined ? 'for-ever' : 'once',
      clock: realClock,
      prepare: async (generation) => {
        this.reloadLog.starting(generation)
        const files = await readEnvFiles(envFiles)
        const odd = facts.bash ? [] : oddNames({ ...process.env, ...files })
        if (odd.length > 0) warn(lostVariables(odd))
        return { files, compileCache: cacheFolder() }
      },
      launch: (spec, place) => {
        const worker = launcher.start(spec, place)
        void worker.gone.then(() => this.#drains.ended(worker))
        this.observer?.started(worker)
        return worker
      },
      report: (message, level) => reporter.report(message, level),
      settled: (outcome) => {
        this.reloadLog.settled(outcome)
        this.observer?.settled(outcome)
        settled()
      },
    })
    this.reloadLog = new ReloadLog(this.supervisor.pool, manager)
    const { terminal } = outputs
    this.#drains =
      terminal === undefined
        ? new LongDrains((message) => reporter.report(message))
        : new DrainLine((line) => terminal.rewrite(line))
  }

  /** Receives no more notifications, and closes the descriptors that processes have stored. */
  async close(): Promise<void> {
    await this.#notifySocket.close()
    this.store.close()
  }

  #receive(message: Notification): void {
    const { pool } = this.supervisor
    deliver(message, {
      table: pool.table,
      access: this.#options.notifyAccess,
      store: this.store,
      kept: this.#kept,
      replacementOf: (worker) => pool.replacementOf(worker),
      delivered: (worker) => {
        this.reloadLog.statusChanged(worker)
        this.#drains.statusChanged(worker)
      },
    })
  }
}

const lostVariables = (names: readonly string[]): string =>
  `the shell that starts the command may not pass on the environment variable ${names.map(quote).join(', ')}: ` +
  'install bash, or give it a name of letters, digits and underscores'
