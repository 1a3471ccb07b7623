import type { ChildProcess } from 'node:child_process'

const running = new Set<ChildProcess>()

/**
 * Tracks a child that leads a process group of its own, until it has ended. When this process ends, it ends
 * every tracked child, except after a SIGKILL.
 */
export function track(child: ChildProcess): void {
  if (running.size === 0) guard()
  running.add(child)
  child.once('close', () => running.delete(child))
}

/** Ends a tracked child and its whole process group; resolves when the child has ended. */
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

/** Ends the children when this process ends. A Ctrl-C does not reach a process group of its own. */
function guard(): void {
  if (guarded) return
  guarded = true
  process.on('exit', endAll)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endAll()
      // A listener keeps the signal from ending this process, so send it again.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    })
  }
}
