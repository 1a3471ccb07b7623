import { CommandError, explain } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import { startFacts } from '../child/start.ts'
import { coloursOf } from '../output/colours.ts'
import { LineFormat } from '../output/line-format.ts'
import { openOwnOutputs } from '../output/own-outputs.ts'
import { Reporter } from '../output/reporter.ts'
import { realClock } from '../supervisor/clock.ts'
import { openAsking } from './asking.ts'
import { openControl } from './control-requests.ts'
import { Generations, type GenerationsOptions } from './generations.ts'
import { KeptPaths } from './kept-paths.ts'
import { listenToKeyboard } from './keyboard.ts'
import type { RunOptions } from './options.ts'
import { OwnManager, watchdogOf } from './own-manager.ts'
import { startReaper } from './reaper.ts'
import { Shutdown } from './shutdown.ts'
import { listenToSignals } from './signals.ts'
import { announcement, closeSockets, openSockets } from './sockets.ts'

/**
 * Runs the command until it is stopped. Resolves with the exit code, after everything was closed.
 *
 * @throws {CommandError} when a socket or the name cannot be used
 */
export async function run(options: RunOptions): Promise<ExitCode> {
  if (process.platform !== 'linux') {
    throw new CommandError(
      `socket-port run needs Linux, and this is ${process.platform}: elsewhere Node cannot keep a socket ` +
        'without accepting on it. Start the program itself; it then binds its own port',
    )
  }
  // Read it now: core removes the variables when it first reads one.
  const watchdog = (options.watchdog ?? watchdogOf(process.env)) || undefined
  const { workers, prefix = workers > 1 } = options
  const format = new LineFormat({ ...options, prefix, colour: coloursOf(process.stderr) })
  const outputs = openOwnOutputs(format)
  const reporter = new Reporter(outputs.stderr, format)
  try {
    return await runWith({ options: { ...options, watchdog }, outputs, format, reporter })
  } catch (error) {
    if (options.logFormat === 'text') throw error
    const { line, exitCode } = explain(error)
    reporter.logger.error(line)
    return exitCode
  } finally {
    outputs.end()
  }
}

type Context = Omit<GenerationsOptions, 'manager' | 'settled'>

async function runWith(context: Omit<Context, 'sockets' | 'facts'>): Promise<ExitCode> {
  const [sockets, facts] = await Promise.all([
    openSockets(context.options, context.reporter.logger),
    startFacts(),
  ])
  try {
    return await superviseToTheEnd({ ...context, sockets, facts })
  } finally {
    closeSockets(sockets)
  }
}

/** Starts the first process, and resolves when the last one has ended. */
async function superviseToTheEnd(context: Context): Promise<ExitCode> {
  const { options, sockets, reporter } = context
  const manager = new OwnManager(reporter.logger)
  const paths = new KeptPaths(sockets, (message) => reporter.logger.warn(message))
  const generations = new Generations({ ...context, manager, settled: () => paths.check() })
  const { supervisor, reloadLog } = generations
  const { pool } = supervisor
  const shutdown = new Shutdown({
    pool,
    report: (message, level) => reporter.report(message, level),
    stopping: () => reloadLog.stopping(),
  })
  const closers: (() => unknown)[] = [() => generations.close(), () => paths.close()]
  try {
    const control = await openControl({
      options,
      sockets,
      paths,
      reporter,
      generations,
      stop: () => shutdown.stop('SIGTERM'),
    })
    if (control !== undefined) closers.push(() => control.close())
    if (options.metrics !== undefined) {
      const { openMetrics } = await import('../metrics/open-metrics.ts')
      const metrics = await openMetrics(options.metrics, supervisor, realClock.now)
      closers.push(() => metrics.close())
      generations.observer = metrics
      reporter.report(`answers GET /metrics on ${metrics.address}`)
    }
    const asking = await openAsking({
      options,
      reporter,
      table: () => pool.table,
      passedTo: (place) => generations.launcher.passedTo(place),
      joined: (worker) => generations.serverReports.joined(worker),
    })
    if (asking !== undefined) closers.push(() => asking.close())
    generations.launcher.askPath = asking?.path
    closers.push(startReaper(() => pool.table.workers.map(({ startedPid }) => startedPid)))
    listenToSignals({
      reload: () => void supervisor.reload(),
      stop: (signal) => void shutdown.stop(signal),
      forward: (signal) => {
        for (const { current } of pool.slots) current?.signal(signal)
      },
    })
    closers.push(listenToKeyboard(() => void supervisor.reload()))
    reporter.report(announcement(sockets, options.command))
    // Watch before the first process reads its code, so that no change is missed.
    const watcher = await options.watch?.((reason) => {
      reporter.report(reason)
      supervisor.supersede()
      void supervisor.reload()
    }, reporter.logger.warn)
    if (watcher !== undefined) closers.push(() => watcher.close())
    const first = await supervisor.reload()
    if (!first.ok && options.watch === undefined && !pool.isStopping) await shutdown.fail()
    return await shutdown.over
  } finally {
    manager.quiet()
    for (const close of closers.reverse()) await close()
  }
}
