import { hasOwnTerminal, StopSignals } from '@socket-port/core/supervisor'

export interface SignalActions {
  /** SIGHUP. */
  reload(): void
  /**
   * SIGTERM, SIGINT, SIGQUIT: the signal that the processes are to be sent. Several within 300 ms are
   * one call.
   */
  stop(signal: NodeJS.Signals): void
  /** A signal without a meaning here goes to the serving processes. */
  forward(signal: NodeJS.Signals): void
}

const FORWARDED = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

// Longer than the 200 ms of core. A process that was told to stop a little later than this one must
// find its own window closed when an impatient signal is passed on to it.
const ONE_STOP = 300

/** Listens to signals until the returned function is called. */
export function listenToSignals(actions: SignalActions): () => void {
  const hadTerminal = hasOwnTerminal()
  const stops = new StopSignals(ONE_STOP)
  const stop = (signal: NodeJS.Signals) => (): void => {
    if (stops.isNew()) actions.stop(signal)
  }
  const listeners: [NodeJS.Signals, () => void][] = [
    ['SIGTERM', stop('SIGTERM')],
    ['SIGQUIT', stop('SIGTERM')],
    // The quick form is for a person. Managers stop with SIGINT too, pm2 for one.
    ['SIGINT', stop(hadTerminal ? 'SIGINT' : 'SIGTERM')],
    // A closed terminal sends SIGHUP as well. Then stop: a new process would run unseen.
    ['SIGHUP', () => (hadTerminal && !hasOwnTerminal() ? stop('SIGTERM')() : actions.reload())],
    ...FORWARDED.map((signal): [NodeJS.Signals, () => void] => [
      signal,
      () => actions.forward(signal),
    ]),
  ]
  for (const [signal, listener] of listeners) process.on(signal, listener)
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}
