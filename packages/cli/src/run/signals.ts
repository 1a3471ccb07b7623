import { hasOwnTerminal, StopSignals } from '@socket-port/core/supervisor'

export interface SignalActions {
  /** SIGHUP. */
  reload(): void
  /**
   * Called for SIGTERM, SIGINT and SIGQUIT, with the signal to send to the processes. Several signals within
   * 300 ms are one call.
   */
  stop(signal: NodeJS.Signals): void
  /** Called for a signal that means nothing to this process: it is meant for the serving processes. */
  forward(signal: NodeJS.Signals): void
}

const FORWARDED = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

// Longer than the 200 ms of core. When this process passes on a second signal, the 200 ms of a process that got
// the first signal a little later have then ended too.
const ONE_STOP = 300

/** Listens to signals until this process ends: one that comes while it closes its sockets must not end it before. */
export function listenToSignals(actions: SignalActions): void {
  const hadTerminal = hasOwnTerminal()
  const stops = new StopSignals(ONE_STOP)
  const stop = (signal: NodeJS.Signals) => (): void => {
    if (stops.isNew()) actions.stop(signal)
  }
  const listeners: [NodeJS.Signals, () => void][] = [
    ['SIGTERM', stop('SIGTERM')],
    ['SIGQUIT', stop('SIGTERM')],
    // The quick form is for a person. Some managers stop with SIGINT too, for example pm2.
    ['SIGINT', stop(hadTerminal ? 'SIGINT' : 'SIGTERM')],
    // A closed terminal sends SIGHUP too. Then stop: nobody would see a new process.
    ['SIGHUP', () => (hadTerminal && !hasOwnTerminal() ? stop('SIGTERM')() : actions.reload())],
    ...FORWARDED.map((signal): [NodeJS.Signals, () => void] => [
      signal,
      () => actions.forward(signal),
    ]),
  ]
  for (const [signal, listener] of listeners) process.on(signal, listener)
}
