import type { DrainOptions } from '../base/types.ts'
import {
  type Check,
  type Checks,
  type Complete,
  checkKeys,
  complete,
  flag,
  integer,
  invalid,
  LONGEST_TIMEOUT,
  milliseconds,
  oneOf,
} from '../base/validate.ts'

/** Without `successor`, what the manager has said when the drain begins decides. */
export type ResolvedDrain = Complete<DrainOptions, 'successor' | 'streamTimeout'>

// RFC 6455, 7.4, and the registry of IANA: 1004 is reserved, 1005, 1006 and 1015 are never sent.
const mayBeSent = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999)

const webSocketCode: Check<number | false> = (name, value) => {
  if (value === false || (Number.isInteger(value) && mayBeSent(Number(value)))) {
    return value as number | false
  }
  throw invalid(name, value, 'a code that a server may send, such as 1001 or 1012, or false')
}

const DRAIN_OPTIONS: Checks<ResolvedDrain> = {
  delay: milliseconds(0),
  idleTimeout: milliseconds(5_000),
  timeout: milliseconds(25_000),
  successor: oneOf(['after-exit', 'running'], undefined),
  idle: oneOf(['auto', 'promise', 'handover'], 'auto'),
  webSocketCode: { check: webSocketCode, fallback: 1001 },
  closeGrace: milliseconds(2_000),
  spread: milliseconds(2_000),
  streamTimeout: integer(1, LONGEST_TIMEOUT, undefined, 'milliseconds'),
}

/** Options of the calls that start a drain: `Drain.start` and `Service.close`. */
export const START_OPTIONS: Checks<{ quick: boolean }> = { quick: flag(false) }

/** Checks and completes the options of the drain. Throws ERR_SOCKET_PORT_INVALID_OPTION or …_UNKNOWN_OPTION. */
export function resolveDrain(options: unknown): ResolvedDrain {
  if (typeof options !== 'object' || options === null) throw invalid('drain', options, 'an object')
  checkKeys(options, DRAIN_OPTIONS, 'drain option')
  const resolved = complete(options, DRAIN_OPTIONS, 'drain.')
  const { delay, timeout } = resolved
  if (delay > 0 && delay >= timeout) {
    throw invalid('drain.delay', delay, `shorter than drain.timeout (${timeout})`)
  }
  return resolved
}
