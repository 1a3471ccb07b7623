import { UsageError } from '../base/errors.ts'
import { LONGEST_TIMEOUT } from '../base/longest-timeout.ts'
import { quote } from '../base/quote.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/** Reads a duration in milliseconds: `500`, `500ms`, `1.5s`, `2m`. */
export function duration(option: string, value: string): number {
  const [, number = '', unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(value) ?? []
  const ms = Math.round(Number(number) * (UNITS[unit] ?? 1))
  if (number !== '' && ms <= LONGEST_TIMEOUT) return ms
  throw new UsageError(
    `--${option} takes a time of at most 24 days, such as 500ms, 30s or 2m (got ${quote(value)})`,
  )
}

/** Reads a whole number from `least` to `most`. */
export function whole(option: string, value: string, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  throw new UsageError(
    `--${option} takes a whole number between ${least} and ${most} (got ${quote(value)})`,
  )
}

/** Reads one of the known words. */
export function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((word) => word === value)
  if (found !== undefined) return found
  throw new UsageError(`--${option} takes ${known.join(' or ')} (got ${quote(value)})`)
}

/** Reads the permissions of a unix socket, as chmod(1) takes them: `660` or `0660`. */
export function permissions(option: string, value: string): number {
  if (/^0?[0-7]{3}$/.test(value)) return Number.parseInt(value, 8)
  throw new UsageError(`--${option} takes permissions in octal, such as 660 (got ${quote(value)})`)
}

/** Reads a TCP port on which a server can listen, 1 to 65535. */
export function port(what: string, value: string): number {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (number >= 1 && number <= 65_535) return number
  throw new UsageError(`${what} takes a port between 1 and 65535 (got ${quote(value)})`)
}
