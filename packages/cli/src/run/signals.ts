import { hasOwnTerminal, StopSignals } from '@socket-port/core/supervisor'

export interface SignalActions {
  /** SIGHUP. */
  reload(): void
  /**
   * Called for SIGTERM, SIGINT and SIGQUIT, with the signal to send to the processes. Several signals within
   * 300 ms are one call.
   */
  stop(signal: NodeJS.Signals): void
  /** Called for SIGUSR1, SIGUSR2 and SIGWINCH, which are meant for the serving processes. */
  forward(signal: NodeJS.Signals): void
}

const FORWARDED = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

// Milliseconds. Longer than the 200 ms of core: when this process passes on a second signal, the 200 ms of a process that
// got the first signal a little later have ended too.
const ONE_STOP = 300

/** Listens to signals until this process ends. A signal that comes while it closes its sockets must not end it earlier. */
export function listenToSignals(actions: SignalActions): void {
  const hadTerminal = hasOwnTerminal()
  const stops = new StopSignals(ONE_STOP)
  const stop = (signal: NodeJS.Signals) => (): void => {
    if (stops.isNew()) actions.stop(signal)
  }
  const listeners: [NodeJS.Signals, () => void][] = [
    ['SIGTERM', stop('SIGTERM')],
    ['SIGQUIT', stop('SIGTERM')],
    // SIGINT is the quick form of a drain, for a person who waits. Some managers, such as pm2, stop with SIGINT too.
    ['SIGINT', stop(hadTerminal ? 'SIGINT' : 'SIGTERM')],
    // A terminal that is closed sends SIGHUP too. Stop then: no person would see the new process.
    ['SIGHUP', () => (hadTerminal && !hasOwnTerminal() ? stop('SIGTERM')() : actions.reload())],
    ...FORWARDED.map((signal): [NodeJS.Signals, () => void] => [
      signal,
      () => actions.forward(signal),
    ]),
  ]
  for (const [signal, listener] of listeners) process.on(signal, listener)
}
