import { quote } from '../base/quote.ts'
import type { DrainOptions, Logger, ProbeOptions } from '../base/types.ts'
import { oneOf } from '../base/validate.ts'
import { type AttachOptions, checkAttach } from '../service/options.ts'

/** What the variables of the preload say. */
export interface RegisterOptions {
  /**
   * Which servers get a socket that the manager passed. `'exact'`: those that ask for its address. `'first'`: the
   * first HTTP server too, whatever it asks for. @default 'exact'
   */
  take: 'exact' | 'first'
  /** The options of every server that is served. */
  attach: AttachOptions
}

const PREFIX = 'SOCKET_PORT_REGISTER_'

/** Adds an option to others. A text of the wrong form is passed on, for the check of the option to refuse. */
type Add = (options: RegisterOptions, text: string) => RegisterOptions

const number = (text: string): number => (/^\d+$/.test(text) ? Number(text) : (text as never))

const flag = (text: string): boolean =>
  ({ 1: true, true: true, 0: false, false: false })[text] ?? (text as never)

const attach =
  (add: (text: string) => AttachOptions): Add =>
  (options, text) => ({ ...options, attach: { ...options.attach, ...add(text) } })

const drain =
  (add: (text: string) => DrainOptions): Add =>
  ({ take, attach }, text) => ({
    take,
    attach: { ...attach, drain: { ...attach.drain, ...add(text) } },
  })

const probes =
  (add: (text: string) => ProbeOptions): Add =>
  ({ take, attach }, text) => ({
    take,
    attach: { ...attach, probes: { ...attach.probes, ...add(text) } },
  })

const takeOf = oneOf(['exact', 'first'], 'exact')

const VARIABLES: Readonly<Record<string, Add>> = {
  [`${PREFIX}TAKE`]: (options, text) => ({ ...options, take: takeOf.check('take', text) }),
  [`${PREFIX}DRAIN_TIMEOUT`]: drain((text) => ({ timeout: number(text) })),
  [`${PREFIX}DRAIN_DELAY`]: drain((text) => ({ delay: number(text) })),
  [`${PREFIX}DRAIN_IDLE_TIMEOUT`]: drain((text) => ({ idleTimeout: number(text) })),
  [`${PREFIX}DRAIN_IDLE`]: drain((text) => ({ idle: text as 'auto' })),
  [`${PREFIX}DRAIN_WEB_SOCKET_CODE`]: drain((text) => ({
    webSocketCode: text === 'false' ? false : number(text),
  })),
  [`${PREFIX}DRAIN_SPREAD`]: drain((text) => ({ spread: number(text) })),
  [`${PREFIX}DRAIN_CLOSE_GRACE`]: drain((text) => ({ closeGrace: number(text) })),
  [`${PREFIX}DRAIN_STREAM_TIMEOUT`]: drain((text) => ({ streamTimeout: number(text) })),
  [`${PREFIX}PROBES_READY`]: probes((text) => ({ ready: text })),
  [`${PREFIX}PROBES_LIVE`]: probes((text) => ({ live: text })),
  [`${PREFIX}PROBES_PORT`]: probes((text) => ({ port: text })),
  [`${PREFIX}PROBES_HOST`]: probes((text) => ({ host: text })),
  [`${PREFIX}IDLE_EXIT`]: attach((text) => ({ idleExit: number(text) })),
  [`${PREFIX}FD_STORE`]: attach((text) => ({ fdStore: flag(text) })),
}

/** The variables of the preload. */
export const REGISTER_VARIABLES: readonly string[] = Object.keys(VARIABLES)

/**
 * Reads the options of the preload from its variables; an empty one counts as not set. A variable that is unknown or
 * wrong is ignored, with a warning: the program has not asked for the preload, and must run as it does without it.
 */
export function readRegisterOptions(env: NodeJS.ProcessEnv, logger: Logger): RegisterOptions {
  let options: RegisterOptions = { take: 'exact', attach: {} }
  const warn = (problem: string): void =>
    logger.warn(`${problem}; the variable is ignored. Known are ${REGISTER_VARIABLES.join(', ')}`)
  // In the order of the table, so that DRAIN_DELAY is compared with the DRAIN_TIMEOUT that was given, and a path of
  // PROBES is there before its port.
  const given = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== '')
  const known = REGISTER_VARIABLES.filter((name) => given.includes(name))
  for (const name of given.filter((each) => !known.includes(each))) {
    warn(`there is no variable ${quote(name)} of the preload`)
  }
  for (const name of known) {
    const text = env[name] ?? ''
    try {
      const added = (VARIABLES[name] as Add)(options, text)
      checkAttach(added.attach)
      options = added
    } catch (error) {
      warn(`${name} is ${quote(text)}: ${(error as Error).message}`)
    }
  }
  return options
}
