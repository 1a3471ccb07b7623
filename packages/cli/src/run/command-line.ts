/** What is known of this machine and this process that a command line depends on. */
export interface Launcher {
  /** Of this process. */
  pid: number
  /** setpriv(1) is there and knows `--pdeathsig`. */
  setpriv: boolean
}

/**
 * The command line that starts `command` as sd_listen_fds(3) wants it, and with an end if this
 * process is killed; pure.
 *
 * The pid is known only after the fork, and `exec` keeps it. Looking for the parent comes after
 * PR_SET_PDEATHSIG(2const): a parent that was gone before sends no signal any more.
 */
export function commandLine(
  command: readonly [string, ...string[]],
  { pid, setpriv }: Launcher,
): [file: string, args: string[]] {
  const script = `[ "$PPID" = ${pid} ] || exit 1; export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$0" "$@"`
  const shell = ['/bin/sh', '-c', script, ...command] as const
  if (!setpriv) return [shell[0], shell.slice(1)]
  return ['setpriv', ['--pdeathsig', 'TERM', '--', ...shell]]
}
