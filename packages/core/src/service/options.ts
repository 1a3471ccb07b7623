import type { AnyServer, ListenOptions, ServeOptions, ShutdownSignal } from '../base/types.ts'
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
  optional,
} from '../base/validate.ts'
import { type ResolvedDrain, resolveDrain } from '../drain/options.ts'
import { SHUTDOWN_SIGNALS } from '../lifecycle/signal-listeners.ts'
import {
  LISTEN_OPTIONS,
  type ListenTarget,
  type NodeOption,
  OWN_LISTEN_OPTIONS,
  type ResolvedListen,
  resolveListenOptions,
  toOptions,
} from '../listen/options.ts'
import { checkAnswers, type ResolvedProbes, resolveProbes } from '../probes/options.ts'

/** The options of `serve`, without those that the server's own `listen` takes. */
export type AttachOptions = Omit<ServeOptions, NodeOption>

/** The options of `serve` that `listen` does not have. */
interface ResolvedOwn
  extends Complete<
    Omit<ServeOptions, keyof ListenOptions | 'drain' | 'probes' | 'signals'>,
    'idleExit'
  > {
  drain: ResolvedDrain
  probes: ResolvedProbes | undefined
  signals: readonly ShutdownSignal[]
}

export type ResolvedServe = ResolvedListen & ResolvedOwn

const signals: Check<readonly ShutdownSignal[]> = (name, value) => {
  if (value === false) return []
  if (!Array.isArray(value)) throw invalid(name, value, 'an array of signals or false')
  return value.map((signal) => {
    const known = SHUTDOWN_SIGNALS.find((each) => each === signal)
    if (known !== undefined) return known
    throw invalid(name, signal, "'SIGTERM' or 'SIGINT'")
  })
}

const OWN_OPTIONS: Checks<ResolvedOwn> = {
  drain: {
    check: (_, value) => resolveDrain(value),
    get fallback() {
      return resolveDrain({})
    },
  },
  probes: optional(resolveProbes),
  signals: { check: signals, fallback: SHUTDOWN_SIGNALS },
  exit: flag(true),
  idleExit: integer(1, LONGEST_TIMEOUT, undefined, 'milliseconds'),
  notify: flag(true),
}

const SERVE_OPTIONS = { ...LISTEN_OPTIONS, ...OWN_OPTIONS }
const ATTACH_OPTIONS = { ...OWN_LISTEN_OPTIONS, ...OWN_OPTIONS }

/** Checks and completes what `serve` was given. Throws ERR_SOCKET_PORT_INVALID_… or …_UNKNOWN_OPTION. */
export function resolveServe(target: ListenTarget<ServeOptions>): ResolvedServe {
  const options = toOptions(target)
  checkKeys(options, SERVE_OPTIONS, 'option')
  return { ...resolveListenOptions(options), ...complete(options, OWN_OPTIONS) }
}

/**
 * Checks what `attach` was given for a server, or for any. Throws ERR_SOCKET_PORT_INVALID_OPTION or …_UNKNOWN_OPTION.
 */
export function checkAttach(options: unknown, server?: AnyServer): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid('options', options, 'an object; the port goes to listen()')
  }
  checkKeys(options, ATTACH_OPTIONS, 'option of an attached server')
  const { probes } = resolveServe(options)
  if (server !== undefined) checkAnswers(server, probes)
}
