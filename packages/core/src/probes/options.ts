import type { AnyServer, ProbeOptions } from '../base/types.ts'
import {
  type Check,
  type Checks,
  type Complete,
  checkKeys,
  complete,
  invalid,
  optional,
} from '../base/validate.ts'
import { LISTEN_OPTIONS } from '../listen/options.ts'
import { isHttp1Server, isHttp2Server } from '../node/server-kind.ts'

/** A path is answered if it is given. With a port, a server of its own answers. */
export interface ResolvedProbes
  extends Complete<Omit<ProbeOptions, 'port'>, 'ready' | 'live' | 'host'> {
  port: number | undefined
}

// As a request names it: what is not ASCII is percent-encoded there.
const probePath: Check<string> = (name, value) => {
  if (typeof value === 'string' && /^\/[!-~]*$/.test(value) && !/[?#]/.test(value)) return value
  throw invalid(name, value, "a path that begins with / and has no query, such as '/readyz'")
}

const PROBE_OPTIONS: Checks<ResolvedProbes> = {
  ready: optional(probePath),
  live: optional(probePath),
  port: LISTEN_OPTIONS.port,
  host: LISTEN_OPTIONS.host,
}

/** Checks the option `probes`. Throws ERR_SOCKET_PORT_INVALID_OPTION, …_INVALID_PORT or …_UNKNOWN_OPTION. */
export const resolveProbes: Check<ResolvedProbes> = (name, value) => {
  if (typeof value !== 'object' || value === null) {
    throw invalid(name, value, "an object, such as { ready: '/readyz', live: '/livez' }")
  }
  checkKeys(value, PROBE_OPTIONS, `option of ${name}`)
  // `{ port: process.env.PROBE_PORT }` where the variable is not set: the probes would be open on the public port.
  if ('port' in value && value.port === undefined)
    PROBE_OPTIONS.port.check(`${name}.port`, undefined)
  const probes = complete(value, PROBE_OPTIONS, `${name}.`)
  const { ready, live, port, host } = probes
  if (ready === undefined && live === undefined) {
    throw invalid(name, value, 'an object with a path as ready, as live, or as both')
  }
  if (ready === live) throw invalid(`${name}.live`, live, `another path than ${name}.ready`)
  if (host !== undefined && port === undefined) {
    throw invalid(`${name}.host`, host, `absent where ${name}.port is`)
  }
  return probes
}

/** Throws ERR_SOCKET_PORT_INVALID_OPTION where the server must answer probes, and speaks no HTTP. */
export function checkAnswers(server: AnyServer, probes: ResolvedProbes | undefined): void {
  if (probes === undefined || probes.port !== undefined) return
  if (isHttp1Server(server) || isHttp2Server(server)) return
  throw invalid(
    'probes.port',
    undefined,
    'a port where the server speaks no HTTP, and cannot answer probes itself',
  )
}
