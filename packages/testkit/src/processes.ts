import type { ChildProcess } from 'node:child_process'

const running = new Set<ChildProcess>()

/**
 * Remembers a child that leads its own process group, until it is gone. Whatever is remembered ends
 * with this process, unless this one is sent SIGKILL.
 */
export function track(child: ChildProcess): void {
  if (running.size === 0) guard()
  running.add(child)
  child.once('close', () => running.delete(child))
}

/** Ends a tracked child and whatever it started, by its process group; resolves when it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return
  endGroup(child)
  await new Promise((resolve) => child.once('close', resolve))
}

/** Ends every process that this module still tracks: for `afterEach`. */
export async function endProcesses(): Promise<void> {
  await Promise.all([...running].map(end))
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: the group is empty already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function endAll(): void {
  for (const child of running) endGroup(child)
}

let guarded = false

/** A child in its own process group hears nothing of a Ctrl-C here, so it is ended by hand. */
function guard(): void {
  if (guarded) return
  guarded = true
  process.on('exit', endAll)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endAll()
      // The signal's own effect, which listening to it has suspended.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    })
  }
}
