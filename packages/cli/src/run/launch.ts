import { hasOwnTerminal, type Notification, type NotifySocket } from '@socket-port/core/supervisor'
import { quote } from '../base/quote.ts'
import { preloadPath } from '../child/preload.ts'
import { type SpawnOptions, spawnChild } from '../child/spawn.ts'
import { childEnvironment, commandLine, type StartFacts, workingDirectory } from '../child/start.ts'
import type { LineFormat } from '../output/line-format.ts'
import type { OwnOutputs } from '../output/own-outputs.ts'
import type { Child, Place } from '../supervisor/child.ts'
import { realClock } from '../supervisor/clock.ts'
import { Worker } from '../supervisor/worker.ts'
import { FdStore } from './fd-store.ts'
import type { RunOptions } from './options.ts'
import { inodeOf, type KeptSocket } from './sockets.ts'

/** What the processes of one generation share, beside the options. */
export interface Spec {
  /** The variables from the environment files. */
  files: Readonly<Record<string, string>>
  /** The folder in which Node keeps compiled code; `undefined` for none. */
  compileCache: string | undefined
}

/** Where the notifications of the processes arrive (sd_notify(3)). */
export interface Notifications {
  socket: NotifySocket
  receive(message: Notification): void
  /** Called when a process below the one of this worker has ended, and has served in its place. */
  serverEnded(worker: Worker, pid: number): void
  /** Called if this user may not signal a process. `problem` names the repair. */
  unsignalled(problem: string): void
}

interface LauncherParts {
  options: RunOptions
  sockets: readonly KeptSocket[]
  store: FdStore
  notifications: Notifications
  facts: StartFacts
  outputs: OwnOutputs
  format: LineFormat
}

/** Starts processes with the kept sockets and the stored descriptors. */
export class Launcher {
  readonly #parts: LauncherParts
  readonly #cwd: string
  readonly #preload: string | undefined
  /** Where processes ask for their socket; `undefined` where they cannot. */
  askPath: string | undefined

  constructor(parts: LauncherParts) {
    const { cwd, register } = parts.options
    this.#parts = parts
    this.#cwd = workingDirectory(cwd)
    if (register) this.#preload = preloadPath()
  }

  start(spec: Spec, place: Place): Worker {
    const { command, register, ready, readyTimeout, settle, drainTimeout, watchdog } =
      this.#parts.options
    const rules = { register, ready, readyTimeout, settle, drainTimeout, watchdog }
    // Assigned before the child can print or end: the events come in later turns of the event loop.
    let worker: Worker | undefined
    const child = this.#spawn(spec, place, {
      printed: (line) => worker?.printed(line),
      abandoned: () => worker?.abandoned(),
      serverEnded: (pid) => {
        if (worker === undefined) return
        worker.serverEnded(pid)
        this.#parts.notifications.serverEnded(worker, pid)
      },
    })
    worker = new Worker(child, place, { ...rules, program: quote(command[0]) }, realClock)
    return worker
  }

  /** The descriptors that a process in this place is started with. */
  passedTo(place: Place): { name: string; fd: number; listening: boolean }[] {
    const kept = this.#parts.sockets.map(({ name, fds }) => ({
      name,
      fd: fds[(place.worker - 1) % fds.length] as number,
      listening: true,
    }))
    return [...kept, ...this.#parts.store.for(place.worker)]
  }

  #spawn(
    spec: Spec,
    place: Place,
    events: Pick<SpawnOptions, 'printed' | 'abandoned' | 'serverEnded'>,
  ): Child {
    const { command, watchdog, logFormat } = this.#parts.options
    const passed = this.passedTo(place)
    const env = childEnvironment(process.env, {
      ...spec,
      ...place,
      watchdog,
      colours: logFormat === 'json' ? undefined : colours(),
      terminal: hasOwnTerminal(),
      preload: this.#preload,
      names: passed.map(({ name }) => name),
      notifySocket: this.#parts.notifications.socket.address,
      askPath: this.askPath,
      storeSize: FdStore.size,
    })
    const [file, args] = commandLine(command, env, this.#parts.facts)
    return spawnChild({
      file,
      args,
      cwd: this.#cwd,
      outputs: this.#parts.outputs,
      formatLine: this.#parts.format.ofProcess(place),
      ...events,
      notified: (message) => this.#parts.notifications.receive(message),
      // Read its last notifications before it counts as ended.
      exited: () => this.#parts.notifications.socket.readNow(),
      unsignalled: (problem) => this.#parts.notifications.unsignalled(problem),
      env,
      fds: passed.map(({ fd }) => fd),
      inodes: new Set(passed.filter(({ listening }) => listening).map(({ fd }) => inodeOf(fd))),
    })
  }
}

// The value of FORCE_COLOR. Without it, a process that writes into a pipe assumes that colours cannot be shown.
function colours(): string | undefined {
  if (!process.stdout.isTTY) return undefined
  const depth = process.stdout.getColorDepth()
  return depth >= 24 ? '3' : depth >= 8 ? '2' : depth >= 4 ? '1' : undefined
}
