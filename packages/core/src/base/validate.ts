import { Server as NetServer } from 'node:net'
import { SocketPortError } from './errors.ts'
import { defaultLogger } from './logger.ts'
import { quote } from './quote.ts'
import type { AnyServer, Logger } from './types.ts'

/**
 * Checks a value that was given for an option, and returns it. Throws ERR_SOCKET_PORT_INVALID_OPTION for a wrong value.
 * `name` is for the message.
 */
export type Check<T> = (name: string, value: unknown) => T

/** One option. A start that gives none of its options runs no check, which V8 would have to compile first. */
export interface Option<T> {
  readonly check: Check<T>
  /** The value where none was given. */
  readonly fallback: T
}

/**
 * The options `O` when all defaults are filled in. Those of `Unset` have none and may stay `undefined`.
 * `-?` would take `undefined` from these too, in programs without `exactOptionalPropertyTypes`.
 */
export type Complete<O, Unset extends keyof O = never> = {
  [K in keyof Required<O>]: K extends Unset ? O[K] | undefined : Exclude<O[K], undefined>
}

/** How the options `R` are checked and completed. The table is also the list of the known names. */
export type Checks<R> = { readonly [K in keyof R]: Option<R[K]> }

/**
 * Checks the options of the public function `call`, and completes them.
 *
 * @throws ERR_SOCKET_PORT_INVALID_OPTION, ERR_SOCKET_PORT_UNKNOWN_OPTION
 */
export function resolveOptions<R>(options: unknown, checks: Checks<R>, call: string): R {
  if (typeof options !== 'object' || options === null) {
    const known = Object.keys(checks).join(', ')
    throw invalid(`the options of ${call}`, options, `an object with any of ${known}`)
  }
  checkKeys(options, checks, `option of ${call}`)
  return complete(options, checks)
}

/** Checks what was given, and fills in the rest. Keys that the table does not have are ignored. */
export function complete<R>(options: object, checks: Checks<R>, prefix = ''): R {
  const given = options as { [K in keyof R]?: unknown }
  const resolved: Partial<R> = {}
  for (const name of Object.keys(checks) as (keyof R & string)[]) {
    const option = checks[name]
    const value = given[name]
    resolved[name] = value === undefined ? option.fallback : option.check(`${prefix}${name}`, value)
  }
  return resolved as R
}

/** Throws ERR_SOCKET_PORT_UNKNOWN_OPTION for a key that the table does not have. */
export function checkKeys(options: object, checks: object, what: string): void {
  const known = Object.keys(checks)
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    throw new SocketPortError(
      'ERR_SOCKET_PORT_UNKNOWN_OPTION',
      `there is no ${what} ${quote(key)}; known are ${known.join(', ')}`,
    )
  }
}

/** Throws ERR_SOCKET_PORT_INVALID_OPTION for a value that is no server, such as an Express application. */
export function checkServer(server: unknown): asserts server is AnyServer {
  if (server instanceof NetServer) return
  throw invalid('server', server, 'of node:net, http, https or http2: http.createServer(app)')
}

/**
 * Throws ERR_SOCKET_PORT_INVALID_OPTION where `call` got more arguments than it takes. Node's
 * `server.listen` takes a host and a callback; here they would be ignored without a word.
 */
export function checkNoMore(call: string, more: readonly unknown[]): void {
  const value = more.find((argument) => argument !== undefined)
  if (value !== undefined) throw tooMany(call, value)
}

function tooMany(call: string, value: unknown): SocketPortError {
  const must =
    typeof value === 'function'
      ? `absent, because ${call} takes no callback: await the promise that it returns`
      : `absent: put it into the options, such as { port: 8080, host: '127.0.0.1' }`
  return invalid(`the argument of ${call} after the port or the options`, value, must)
}

/** A logger, by default core's own. Throws ERR_SOCKET_PORT_INVALID_OPTION where a level is missing. */
export function resolveLogger(value: unknown): Logger {
  if (value === undefined) return defaultLogger
  const logger = value as Partial<Logger> | null
  const missing = (['debug', 'info', 'warn', 'error'] as const).filter(
    (level) => typeof logger?.[level] !== 'function',
  )
  if (missing.length === 0) return logger as Logger
  throw invalid(
    'logger',
    logger,
    `an object with debug, info, warn and error (no ${missing.join(', ')})`,
  )
}

export const logger: Option<Logger> = {
  check: (_, value) => resolveLogger(value),
  fallback: defaultLogger,
}

/** An option without a default. */
export const optional = <T>(check: Check<T>): Option<T | undefined> => ({
  check,
  fallback: undefined,
})

/** A string that is not empty. */
export const nonEmpty: Check<string> = (name, value) => {
  if (typeof value === 'string' && value !== '') return value
  throw invalid(name, value, 'a string that is not empty')
}

export const text: Option<string | undefined> = optional(nonEmpty)

export const abortSignal: Option<AbortSignal | undefined> = optional((name, value) => {
  if (value instanceof AbortSignal) return value
  throw invalid(name, value, 'an AbortSignal')
})

const trueOrFalse: Check<boolean> = (name, value) => {
  if (typeof value === 'boolean') return value
  throw invalid(name, value, 'true or false')
}

export const flag = (fallback: boolean): Option<boolean> => ({ check: trueOrFalse, fallback })

/** A whole number within these bounds, of a `unit` if it counts something. */
export const integer = <F extends number | undefined>(
  least: number,
  most: number,
  fallback: F,
  unit = '',
): Option<number | F> => ({
  check(name, value) {
    if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most)
      return Number(value)
    throw invalid(
      name,
      value,
      `a whole number${unit && ` of ${unit}`} between ${least} and ${most}`,
    )
  },
  fallback,
})

/** The longest delay of setTimeout. It fires at once for a longer one. */
export const LONGEST_TIMEOUT: number = 2 ** 31 - 1

/** Whether the value is the number of a port; 0 is any. */
export const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535

/** A duration in milliseconds that a timer can hold. */
export const milliseconds = (fallback: number): Option<number> =>
  integer(0, LONGEST_TIMEOUT, fallback, 'milliseconds')

/** One of the known strings. */
export const oneOf = <const T extends string, F extends T | undefined>(
  known: readonly T[],
  fallback: F,
): Option<T | F> => ({
  check(name, value) {
    const found = known.find((choice) => choice === value)
    if (found !== undefined) return found
    throw invalid(name, value, known.map((choice) => `'${choice}'`).join(' or '))
  },
  fallback,
})

/** The error for a wrong value. */
export function invalid(name: string, value: unknown, must: string, hint = ''): SocketPortError {
  return new SocketPortError(
    'ERR_SOCKET_PORT_INVALID_OPTION',
    `${name} must be ${must} (got ${show(value)})${hint}`,
  )
}

/** Shows a wrong value in a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  // Not its source text: a program that was passed by mistake would fill the message.
  if (typeof value === 'function')
    return value.name === '' ? 'a function' : `function ${value.name}`
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object'
  return String(value)
}
