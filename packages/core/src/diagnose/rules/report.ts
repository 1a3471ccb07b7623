import type { Facts, SocketUnit } from './facts.ts'
import type { Problem, ProblemCode, ProcessName } from './types.ts'

/** A rule returns the problems that it finds in the facts. Pure. */
export type Rule = (facts: Facts) => Problem[]

export const error = (code: ProblemCode, problem: string, mend: string): Problem => ({
  code,
  severity: 'error',
  problem,
  mend,
})

export const warning = (code: ProblemCode, problem: string, mend: string): Problem => ({
  ...error(code, problem, mend),
  severity: 'warning',
})

/** `this process (pid 12)`, the main process of the unit, or another process. */
export const nameSelf = ({ seen, self, starter, service }: Facts): string => {
  if (seen === 'process') return `this process (pid ${self.pid})`
  const isMain = service === undefined || service.mainPid === self.pid
  return starter.unit !== undefined && isMain
    ? `${starter.unit} (pid ${self.pid})`
    : nameProcess(self)
}

export const nameProcess = ({ pid, command }: ProcessName): string => `pid ${pid} (${command})`

/** `a`, `a and b`, `a, b and c`. */
export function join(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

/** `systemctl`, with `--user` where the service is a user's. */
export const systemctlCommand = ({ starter }: Facts): string =>
  starter.user ? 'systemctl --user' : 'systemctl'

/** The process to which the sockets were passed, where that is another one. */
export function passedTo({ refusal, environment, self }: Facts): number | undefined {
  const { LISTEN_FDS = '', LISTEN_PID = '' } = environment
  if (refusal === undefined || !/^[1-9]\d*$/.test(LISTEN_FDS)) return undefined
  const pid = /^[1-9]\d*$/.test(LISTEN_PID) ? Number(LISTEN_PID) : self.pid
  return pid === self.pid ? undefined : pid
}

/** The socket units that pass their sockets to the service of the facts. */
export const passingUnits = ({ socketUnits, service }: Facts): SocketUnit[] =>
  socketUnits.filter(
    ({ loaded, accept, triggers }) => loaded && !accept && triggers.includes(service?.id ?? ''),
  )

/** Whether the manager accepts the notifications of the process. */
export function isAccepted({ environment, service, self, starter }: Facts): boolean {
  if (environment.NOTIFY_SOCKET === undefined) return false
  if (service === undefined) return starter.wrappers.length === 0
  return service.notifyAccess === 'all' || service.mainPid === self.pid
}

/** Whether a server of the process notifies the manager: `notify` is not false. */
export const notifies = ({ listeners }: Facts): boolean =>
  listeners.some(({ request }) => request.drain !== undefined && request.notify !== false)
