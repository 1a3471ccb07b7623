/** Facts about this machine and this process that the command line depends on. */
export interface LaunchContext {
  /** The pid of this process. */
  pid: number
  /** setpriv(1) is installed and supports `--pdeathsig`. */
  setpriv: boolean
}

/**
 * The command line that starts `command` with the right LISTEN_PID (sd_listen_fds(3)), and ends it if this
 * process is killed. Pure.
 *
 * The pid is known only after the fork, and `exec` keeps it: so a shell sets it and becomes the program. The
 * shell checks its parent after PR_SET_PDEATHSIG(2const): a parent that died before sends no signal.
 */
export function commandLine(
  command: readonly [string, ...string[]],
  { pid, setpriv }: LaunchContext,
): [file: string, args: string[]] {
  const script = `[ "$PPID" = ${pid} ] || exit 1; export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$0" "$@"`
  const shell = ['/bin/sh', '-c', script, ...command] as const
  if (!setpriv) return [shell[0], shell.slice(1)]
  return ['setpriv', ['--pdeathsig', 'TERM', '--', ...shell]]
}
