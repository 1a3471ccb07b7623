const MOST_ATTEMPTS = 5

interface Failure {
  /** The signal that has ended a program. */
  readonly signal?: NodeJS.Signals | null | undefined
  /** This process has sent it. */
  readonly killed?: boolean | undefined
}

/**
 * Runs a program, and once more if a signal has ended it that this process did not send. Such a signal was
 * meant for a whole group: systemd signals every process of a service (KillMode=control-group), and reads the
 * list of them until it finds no new one, so it also meets a program that was started because of the signal
 * (cg_kill_recursive() in src/basic/cgroup-util.c). A terminal signals all processes in its foreground.
 *
 * `run` rejects with what `child_process` says of the program's end.
 */
export async function runThroughSignals<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run()
    } catch (error) {
      const { signal, killed } = error as Failure
      if (typeof signal !== 'string' || killed === true || attempt === MOST_ATTEMPTS) throw error
    }
  }
}
