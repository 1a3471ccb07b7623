import type { ServiceName } from '../systemd/cgroup.ts'
import type { ProcessName, Starter } from './rules/types.ts'

export interface StarterClues {
  pid: number
  /** The parent first. */
  ancestors: readonly (ProcessName & { argv: readonly string[] })[]
  environment: Readonly<Record<string, string>>
  service: ServiceName | undefined
  version: string | undefined
}

/** Who started a process, as far as its ancestors, its cgroup and its environment tell; pure. */
export function findStarter(clues: StarterClues): Starter {
  const { pid, ancestors, environment, service, version } = clues
  const meant = processId(environment.LISTEN_PID)
  const nobody = { pid: undefined, unit: undefined, user: false, version: undefined, wrappers: [] }
  const upTo = (count: number): ProcessName[] =>
    ancestors
      .slice(0, count)
      .map(({ pid, command }) => ({ pid, command }))
      .reverse()

  const indexOf = (wanted: number | undefined): number =>
    ancestors.findIndex((ancestor) => ancestor.pid === wanted)

  const supervisor = ancestors.findIndex(({ argv }) => isSupervisor(argv))
  // The supervisor sets this variable for its processes. Its own command line may not show its name.
  const supervised = environment.SOCKET_PORT_GENERATION !== undefined
  if (supervisor >= 0 || supervised) {
    const at = supervisor >= 0 ? supervisor : meant === pid ? 0 : indexOf(meant) + 1
    // LISTEN_PID names this process, so the supervisor expects it here, whatever runs in between.
    const wrappers = meant === pid ? [] : upTo(at)
    return { ...nobody, kind: 'socket-port', pid: ancestors[at]?.pid, wrappers }
  }

  // SYSTEMD_EXEC_PID (systemd 248) is the process that systemd started, and its children see it too.
  const executed = processId(environment.SYSTEMD_EXEC_PID)
  const anotherPassed = meant === pid && executed !== undefined && executed !== pid
  if (service !== undefined && !anotherPassed) {
    const main = executed ?? meant
    return {
      ...service,
      kind: 'systemd',
      pid: service.user ? ancestors.findLast(isUserSystemd)?.pid : 1,
      version,
      wrappers: main === pid ? [] : upTo(indexOf(main) + 1),
    }
  }

  if (environment.LISTEN_FDS !== undefined) {
    if (meant === undefined || meant === pid) return { ...nobody, kind: 'activator' }
    const index = indexOf(meant)
    if (index >= 0) return { ...nobody, kind: 'activator', wrappers: upTo(index + 1) }
  }
  return { ...nobody, kind: 'none' }
}

// `node -- …/bin/socket-port run …` as its launcher starts it, the same without `--`, or the command.
function isSupervisor(argv: readonly string[]): boolean {
  const words = argv.filter((word, index) => index !== 1 || word !== '--')
  const at = words.slice(0, 2).findIndex((word) => /(^|\/)socket-port(\.[cm]?js)?$/.test(word))
  return at >= 0 && words.slice(at + 1).includes('run')
}

const isUserSystemd = ({ argv }: { argv: readonly string[] }): boolean =>
  /(^|\/)systemd$/.test(argv[0] ?? '') && argv.includes('--user')

const processId = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
