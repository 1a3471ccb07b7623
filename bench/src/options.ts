import { parseArgs } from 'node:util'

export interface CommandLine {
  /** The benchmarks to run; empty for all. */
  readonly names: readonly string[]
  readonly rounds: number | undefined
  readonly seconds: number
  /** The folder of an older build of core to compare with. */
  readonly before: string | undefined
}

// Short: two processes of one program differ for as long as they live, so many short ones are better than few long ones.
const SECONDS = 1

/** Reads `[name…] [--rounds N] [--seconds S] [--before DIR]`; throws an error for a wrong value. */
export function readCommandLine(args: readonly string[], known: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      before: { type: 'string' },
    },
  })
  for (const name of positionals) {
    if (!known.includes(name)) {
      throw new Error(
        `there is no benchmark ${JSON.stringify(name)}; known are ${known.join(', ')}`,
      )
    }
  }
  const rounds = values.rounds === undefined ? undefined : positive('--rounds', values.rounds)
  if (rounds !== undefined && !Number.isInteger(rounds)) {
    throw new Error(`--rounds must be a whole number (got ${rounds})`)
  }
  const seconds = values.seconds === undefined ? SECONDS : positive('--seconds', values.seconds)
  return { names: positionals, rounds, seconds, before: values.before }
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`${option} must be a number above 0 (got ${JSON.stringify(text)})`)
}
