import { quote } from '../base/quote.ts'
import type { Variables } from '../process/environment.ts'
import { type NotifyAddress, parseNotifyAddress } from './address.ts'

/** What the variables say about the manager that started this process. */
export interface NotifyVariables {
  /** `undefined`: no manager listens. */
  address: NotifyAddress | undefined
  /** Milliseconds without a keep-alive after which the manager ends this process. */
  watchdogTimeout: number | undefined
  /** SOCKET_PORT_CHANNEL: the channel of a supervisor. */
  channel: string | undefined
  /** Whether the manager has started this very process, and not a wrapper around it. */
  direct: boolean
  /** What is wrong with the variables, each with its repair. */
  problems: string[]
}

/** Reads the variables of sd_notify(3) and sd_watchdog_enabled(3); pure. */
export function readNotifyVariables(env: Variables<'notifications'>, pid: number): NotifyVariables {
  const problems: string[] = []
  const { NOTIFY_SOCKET } = env
  let address: NotifyAddress | undefined
  if (NOTIFY_SOCKET !== undefined && NOTIFY_SOCKET !== '') {
    const parsed = parseNotifyAddress(NOTIFY_SOCKET)
    if (typeof parsed !== 'string') address = parsed
    else problems.push(`${parsed}; unset it, or start this process with a manager that sets it`)
  }
  return {
    address,
    watchdogTimeout: watchdogTimeout(env, pid, problems),
    channel: env.SOCKET_PORT_CHANNEL,
    direct: env.WATCHDOG_PID === String(pid),
    problems,
  }
}

function watchdogTimeout(
  { WATCHDOG_USEC, WATCHDOG_PID }: Variables<'notifications'>,
  pid: number,
  problems: string[],
): number | undefined {
  if (WATCHDOG_USEC === undefined) return undefined
  const wrong = (name: string, value: string, must: string): undefined => {
    problems.push(
      `${name} is ${quote(value)}, not ${must}: no keep-alives are sent. Unset it, or set ` +
        'WatchdogSec= in the unit and start this process with systemd',
    )
  }
  if (WATCHDOG_PID !== undefined) {
    const meant = wholeNumber(WATCHDOG_PID)
    if (meant === undefined) return wrong('WATCHDOG_PID', WATCHDOG_PID, 'a process id')
    // Another process has to send the keep-alives.
    if (meant !== pid) return undefined
  }
  const microseconds = wholeNumber(WATCHDOG_USEC)
  if (microseconds === undefined) {
    return wrong('WATCHDOG_USEC', WATCHDOG_USEC, 'a number of microseconds')
  }
  return microseconds / 1000
}

const wholeNumber = (text: string): number | undefined =>
  /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
