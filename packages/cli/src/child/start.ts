// Makes what a process is started with: its command line, its environment and its working directory.
import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ASK_VARIABLE, CHANNEL_VARIABLE, TERMINAL_VARIABLE } from '@socket-port/core/supervisor'
import { withPreload } from './preload.ts'

// SD_LISTEN_FDS_START of sd_listen_fds(3).
const FIRST_FD = 3

/** Facts about this machine and this process that the command line depends on. */
export interface StartFacts {
  /** The pid of this process. */
  pid: number
  /** The path of setpriv(1), if it is installed and supports `--pdeathsig`. The processes may have another PATH. */
  setpriv: string | undefined
  /** bash is installed. */
  bash: boolean
}

export const startFacts = async (): Promise<StartFacts> => ({
  pid: process.pid,
  setpriv: await findSetpriv(),
  bash: existsSync(BASH[0]),
})

const SHELL = ['/bin/sh', '-c'] as const
// The options keep bash from running a file first: that of BASH_ENV (--posix), or ~/.bashrc below ssh (--norc).
const BASH = ['/bin/bash', '--norc', '--posix', '-c'] as const

/**
 * The variables that a shell may not pass on: dash and the shell of BusyBox drop those whose names they cannot assign to, such as
 * `app.port`. bash passes on all of them.
 */
export const oddNames = (env: Readonly<NodeJS.ProcessEnv>): string[] =>
  Object.keys(env).filter((name) => !/^[A-Za-z_]\w*$/.test(name))

/**
 * The command line that starts `command` with the right LISTEN_PID (sd_listen_fds(3)), and that ends the
 * process when this one is killed. Pure.
 *
 * The pid is known only after the fork, and `exec` keeps it: so a shell sets the variable and becomes the
 * program. The shell checks its parent after PR_SET_PDEATHSIG(2const): a parent that died before sends no signal.
 */
export function commandLine(
  command: readonly [string, ...string[]],
  env: Readonly<NodeJS.ProcessEnv>,
  { pid, setpriv, bash }: StartFacts,
): [file: string, args: string[]] {
  const script = `[ "$PPID" = ${pid} ] || exit 1; export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$0" "$@"`
  const [shell, ...options] = bash && oddNames(env).length > 0 ? BASH : SHELL
  const args = [...options, script, ...command]
  return setpriv === undefined
    ? [shell, args]
    : [setpriv, ['--pdeathsig', 'TERM', '--', shell, ...args]]
}

/** The path of setpriv(1), if it is installed and supports `--pdeathsig`. That of BusyBox does not. */
export function findSetpriv(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '/usr/bin:/bin').split(':')
  const path = folders.map((folder) => resolve(folder, 'setpriv')).find((file) => existsSync(file))
  if (path === undefined) return Promise.resolve(undefined)
  return new Promise((found) => {
    const args = ['--pdeathsig', 'TERM', '--', '/bin/sh', '-c', ':']
    execFile(path, args, { timeout: 5_000 }, (error) => found(error === null ? path : undefined))
  })
}

/** What the environment of a process contains besides the variables of this process. */
export interface Passed {
  /** The names of the descriptors from 3 on. The two descriptors of its channel come after them. */
  names: readonly string[]
  notifySocket: string
  /** Where processes below it ask for their socket; `undefined` where they cannot. */
  askPath: string | undefined
  /** Milliseconds; `undefined` for none. */
  watchdog: number | undefined
  /** How many descriptors it may store (FDSTORE=1). */
  storeSize: number
  generation: number
  worker: number
  /** The variables from the environment files. */
  files: Readonly<Record<string, string>>
  /** The folder in which Node 22.1 and later keep compiled code; `undefined` for none. */
  compileCache: string | undefined
  /** The colours of the terminal, as a value of FORCE_COLOR; `undefined` without a terminal. */
  colours: string | undefined
  /** Whether a person at a terminal can press Ctrl-C. */
  terminal: boolean
  /** The path of the preload, for `--register`. */
  preload: string | undefined
}

// Variables that the manager of this process set for this process alone. SOCKET_PORT_REGISTER_… are set by the user.
const OURS =
  /^(LISTEN_(FDS|PID|PIDFDID|FDNAMES)|NOTIFY_SOCKET|WATCHDOG_(USEC|PID)|FDSTORE|MAINPID|SOCKET_PORT_(?!REGISTER_).*)$/

/** The environment of a process; pure. */
export function childEnvironment(
  env: Readonly<NodeJS.ProcessEnv>,
  passed: Passed,
): NodeJS.ProcessEnv {
  const { names, watchdog, colours, files, preload, compileCache } = passed
  const inherited = Object.entries(env).filter(([name]) => !OURS.test(name))
  // The channel comes after the descriptors that LISTEN_FDS counts: programs in any language read those.
  const channel = FIRST_FD + names.length
  return {
    ...(colours !== undefined && env.NO_COLOR === undefined && { FORCE_COLOR: colours }),
    ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache }),
    ...Object.fromEntries(inherited),
    ...files,
    ...(preload !== undefined && {
      NODE_OPTIONS: withPreload(preload, files.NODE_OPTIONS ?? env.NODE_OPTIONS),
    }),
    ...(names.length > 0 && {
      LISTEN_FDS: String(names.length),
      LISTEN_FDNAMES: names.join(':'),
    }),
    NOTIFY_SOCKET: passed.notifySocket,
    ...(passed.askPath !== undefined && { [ASK_VARIABLE]: passed.askPath }),
    FDSTORE: String(passed.storeSize),
    ...(watchdog !== undefined && { WATCHDOG_USEC: String(Math.round(watchdog * 1000)) }),
    [CHANNEL_VARIABLE]: `${channel},${channel + 1}`,
    // The next process already runs when this one drains, so core stops accepting at once.
    SOCKET_PORT_SUCCESSOR: 'running',
    SOCKET_PORT_GENERATION: String(passed.generation),
    SOCKET_PORT_WORKER: String(passed.worker),
    ...(passed.terminal && { [TERMINAL_VARIABLE]: '1' }),
  }
}

/**
 * The directory in which processes start: `cwd`, else the directory of this process, by the path of the
 * shell. A symlink in it is followed when a process starts, so that a new release is found.
 */
export function workingDirectory(cwd: string | undefined): string {
  const logical = process.env.PWD
  const start = logical !== undefined && isHere(logical) ? logical : process.cwd()
  return cwd === undefined ? start : resolve(start, cwd)
}

function isHere(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false })
  const here = statSync('.')
  return path.startsWith('/') && there?.ino === here.ino && there.dev === here.dev
}
