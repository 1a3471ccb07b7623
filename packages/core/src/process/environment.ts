import { perProcess } from './per-process.ts'

/**
 * The variables that a manager sets for this very process. A child process that inherits them would take
 * them for its own: it would use descriptors that are no sockets, or notify in the name of this process.
 *
 * So the first code that acts on a group claims it, once per process: the values are kept here, for every
 * copy of the package, and the variables are deleted, valid or not. Importing the package claims
 * nothing, and neither does a question (`look`).
 *
 * Variables that only describe the process stay. The program may read them, and they are true for its
 * child processes too: SOCKET_PORT_GENERATION, SOCKET_PORT_WORKER and SOCKET_PORT_TERMINAL of `socket-port
 * run`, INVOCATION_ID and SYSTEMD_EXEC_PID of systemd.
 */
const GROUPS = {
  /** The sockets that were passed (sd_listen_fds(3)). */
  sockets: ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_PIDFDID', 'LISTEN_FDNAMES'],
  /** How this process is replaced by the next one. */
  restart: ['SOCKET_PORT_SUCCESSOR', 'SOCKET_PORT_RESTART_SIGNAL'],
  /**
   * How the manager is notified (sd_notify(3), sd_watchdog_enabled(3)). A group of its own: a program that
   * passes `notify: false` may need them itself.
   */
  notifications: [
    'NOTIFY_SOCKET',
    'WATCHDOG_USEC',
    'WATCHDOG_PID',
    'FDSTORE',
    'SOCKET_PORT_CHANNEL',
  ],
  /**
   * Where a process asks for its socket. A wrapper such as npm leaves it to the program that it starts, so the
   * process that has its sockets claims it.
   */
  ask: ['SOCKET_PORT_ASK'],
} as const

type Groups = typeof GROUPS

/** Variables that are claimed together. */
export type Group = keyof Groups

/** The variables of a group that are set. */
export type Variables<G extends Group> = Readonly<Partial<Record<Groups[G][number], string>>>

// Set by the process that serves.
const HELPER = 'SOCKET_PORT_HELPER'

/**
 * Tells the child processes that this one starts from now on that they are its helpers. They may have inherited
 * NODE_OPTIONS with the preload, and it then leaves their servers alone. Below a process that does not serve,
 * such as npm, a child process may be the server.
 */
export function markHelpers(): void {
  process.env[HELPER] = String(process.pid)
}

/** Whether a process that serves has started this one. */
export const isHelper = (): boolean => process.env[HELPER] !== undefined

/** Names the two descriptors of the channel between a supervisor and a process that it has started. */
export const CHANNEL_VARIABLE = 'SOCKET_PORT_CHANNEL'

/** Names the unix socket on which a supervisor gives its sockets to the processes below the one that it has started. */
export const ASK_VARIABLE = 'SOCKET_PORT_ASK'

type Claimed = { [G in Group]?: Variables<G> }

const shared = perProcess<Claimed>('environment/1')

/** Takes the variables of a group out of the environment, at the first call in the process. */
export function claim<G extends Group>(group: G): Variables<G> {
  const claimed: Claimed = shared.get(() => ({}))
  const before = claimed[group]
  if (before !== undefined) return before
  const variables = read(group)
  Object.assign(claimed, { [group]: variables })
  for (const name of GROUPS[group]) delete process.env[name]
  return variables
}

/** Whether a supervisor has started this process, or has given it its socket: it has passed a channel, open or not. */
export const hasSupervisor = (): boolean => look('notifications').SOCKET_PORT_CHANNEL !== undefined

/** Whether a supervisor can be asked for a socket. */
export const canAsk = (): boolean => look('ask').SOCKET_PORT_ASK !== undefined

/** Claims a group, and changes variables of it as if the manager had set them for this process. */
export function assign<G extends Group>(group: G, variables: Variables<G>): void {
  const before = claim(group)
  Object.assign(
    shared.get(() => ({})),
    { [group]: { ...before, ...variables } },
  )
}

/** The variables of a group as {@link claim} returns them; leaves the environment as it is. */
export const look = <G extends Group>(group: G): Variables<G> =>
  shared.current?.[group] ?? read(group)

/** Every variable that was claimed, for the diagnosis. */
export const claimedVariables = (): Readonly<Record<string, string>> =>
  Object.assign({}, ...Object.values(shared.current ?? {}))

function read<G extends Group>(group: G): Variables<G> {
  const variables: Record<string, string> = {}
  for (const name of GROUPS[group]) {
    const value = process.env[name]
    if (value !== undefined) variables[name] = value
  }
  return variables as Variables<G>
}
