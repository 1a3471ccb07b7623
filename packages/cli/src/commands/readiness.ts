import { UsageError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import { duration } from '../command-line/scalars.ts'
import type { Readiness } from '../supervisor/rules.ts'

/** Reads the value of `--ready`: `notify`, `port`, `log:REGEX` or `delay:TIME`. */
export function readiness(value: string): Readiness {
  if (value === 'notify' || value === 'port') return { kind: value }
  const [, kind, rest = ''] = /^(log|delay):(.+)$/s.exec(value) ?? []
  if (kind === 'log') return { kind, pattern: pattern(rest) }
  if (kind === 'delay') return { kind, ms: duration('ready delay', rest) }
  throw new UsageError(
    `--ready takes notify, port, log:REGEX or delay:TIME, such as 'log:listening on' (got ${quote(value)})`,
  )
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`--ready log: takes a regular expression. ${reason}`)
  }
}
