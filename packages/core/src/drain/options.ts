import type { DrainOptions } from '../base/types.ts'
import {
  type Checks,
  type Complete,
  checkKeys,
  complete,
  flag,
  invalid,
  milliseconds,
  oneOf,
} from '../base/validate.ts'

/** Without `successor`, what the manager has said by the begin of the drain decides. */
export type ResolvedDrain = Complete<DrainOptions, 'successor'>

const DRAIN_OPTIONS: Checks<ResolvedDrain> = {
  delay: milliseconds(0),
  idleTimeout: milliseconds(5_000),
  timeout: milliseconds(25_000),
  successor: oneOf(['after-exit', 'running'], undefined),
  idle: oneOf(['auto', 'promise', 'handover'], 'auto'),
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
