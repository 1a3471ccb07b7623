import { closeSync, openSync } from 'node:fs'

export interface SignalActions {
  /** SIGHUP. */
  reload(): void
  /** SIGTERM, SIGINT, SIGQUIT: the signal that the processes are to be sent. */
  stop(signal: NodeJS.Signals): void
  /** What means nothing here goes to the processes that serve. */
  forward(signal: NodeJS.Signals): void
}

const FORWARDED = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

// npm passes a Ctrl-C on that the terminal has sent already.
const ONE_CTRL_C = 200

/** Listens to signals until the returned function is called. */
export function listenToSignals(actions: SignalActions): () => void {
  const terminal = hasTerminal()
  let lastInterrupt = Number.NEGATIVE_INFINITY
  const listeners: [NodeJS.Signals, () => void][] = [
    ['SIGTERM', () => actions.stop('SIGTERM')],
    ['SIGQUIT', () => actions.stop('SIGTERM')],
    [
      'SIGINT',
      () => {
        const now = performance.now()
        if (now - lastInterrupt >= ONE_CTRL_C) actions.stop('SIGINT')
        lastInterrupt = now
      },
    ],
    // A terminal that is closed sends SIGHUP as well, and nobody would see what is started then.
    ['SIGHUP', () => (terminal && !hasTerminal() ? actions.stop('SIGTERM') : actions.reload())],
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

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
