import { CHANNEL_VARIABLE, TERMINAL_VARIABLE } from '@socket-port/core/supervisor'

/** What a process is told in its environment, beside the variables of this one. */
export interface Passed {
  /** The names of the descriptors from 3 on. */
  names: readonly string[]
  notifySocket: string
  /** The descriptors through which it receives connections of the process before it. */
  channel: readonly [socket: number, bell: number]
  /** Milliseconds. */
  watchdog: number | undefined
  /** How many descriptors it may store (FDSTORE=1). */
  storeSize: number
  generation: number
  worker: number
  /** The variables from the environment files. */
  files: Readonly<Record<string, string>>
  /** The colours of the terminal, as a value of FORCE_COLOR; `undefined` without a terminal. */
  colours: string | undefined
  /** Whether a person at a terminal can press Ctrl-C. */
  terminal: boolean
}

// The variables that the manager of this process set for this process alone.
const OURS =
  /^(LISTEN_(FDS|PID|PIDFDID|FDNAMES)|NOTIFY_SOCKET|WATCHDOG_(USEC|PID)|FDSTORE|MAINPID|SOCKET_PORT_.*)$/

/** The environment of a process; pure. */
export function childEnvironment(
  env: Readonly<NodeJS.ProcessEnv>,
  passed: Passed,
): NodeJS.ProcessEnv {
  const { names, watchdog, colours, files } = passed
  const inherited = Object.entries(env).filter(([name]) => !OURS.test(name))
  return {
    ...(colours !== undefined && env.NO_COLOR === undefined && { FORCE_COLOR: colours }),
    ...Object.fromEntries(inherited),
    ...files,
    ...(names.length > 0 && {
      LISTEN_FDS: String(names.length),
      LISTEN_FDNAMES: names.join(':'),
    }),
    NOTIFY_SOCKET: passed.notifySocket,
    FDSTORE: String(passed.storeSize),
    ...(watchdog !== undefined && { WATCHDOG_USEC: String(Math.round(watchdog * 1000)) }),
    [CHANNEL_VARIABLE]: passed.channel.join(','),
    // The next process already runs when this one drains, so core stops accepting at once.
    SOCKET_PORT_SUCCESSOR: 'running',
    SOCKET_PORT_GENERATION: String(passed.generation),
    SOCKET_PORT_WORKER: String(passed.worker),
    ...(passed.terminal && { [TERMINAL_VARIABLE]: '1' }),
  }
}
