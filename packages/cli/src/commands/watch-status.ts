import { setTimeout } from 'node:timers/promises'
import { UsageError } from '../base/errors.ts'
import type { ExitCode } from '../base/exit-codes.ts'
import type { Io } from '../base/io.ts'

// Milliseconds.
const INTERVAL = 1_000
const [CLEAR, HOME, ERASE_LINE, ERASE_BELOW] = ['\u001b[2J', '\u001b[H', '\u001b[K', '\u001b[J']

/** Shows the text on the terminal, asked for again each second, until Ctrl-C. */
export async function watchText(text: () => Promise<string>, { stdout }: Io): Promise<ExitCode> {
  if (stdout.isTTY !== true) {
    throw new UsageError('--watch is for a terminal: leave it out to print the status once')
  }
  const ended = new AbortController()
  const end = (): void => ended.abort()
  process.once('SIGINT', end)
  // The terminal was closed.
  stdout.once('error', end)
  stdout.write(CLEAR)
  while (!ended.signal.aborted) {
    const lines = (await text()).split('\n')
    const { rows = 24 } = stdout as { rows?: number }
    // One line too many would scroll the first one off the screen.
    const shown = lines.slice(0, Math.max(1, (rows || 24) - 1))
    stdout.write(`${HOME}${shown.join(`${ERASE_LINE}\n`)}${ERASE_BELOW}`)
    await setTimeout(INTERVAL, undefined, { signal: ended.signal }).catch(() => {})
  }
  stdout.write('\n')
  return 0
}
