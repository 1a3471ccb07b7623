import type { ListenOptions } from '../base/types.ts'
import { isPort } from '../base/validate.ts'
import type { NodeOption } from '../listen/options.ts'
import { namesHandle } from '../node/tcp-handle.ts'

/** What a call of Node's `server.listen` asks for, where a socket may be inherited for it. */
export interface ListenCall {
  options: Pick<ListenOptions, Exclude<NodeOption, 'signal'>>
  /** Options that only Node reads. */
  nodeOptions: { readableAll?: boolean; writableAll?: boolean }
  /** As Node takes it: of any class that has `aborted`. Its abort closes the server. */
  signal?: AbortSignal | undefined
  callback: (() => void) | undefined
}

/**
 * Reads the arguments of `server.listen` in each of Node's forms; `undefined` for those that name a
 * descriptor or handle, or that Node itself must refuse. Pure.
 */
export function readListenArguments(args: readonly unknown[]): ListenCall | undefined {
  const last = args.at(-1)
  const callback = typeof last === 'function' ? (last as () => void) : undefined
  const [first, ...rest] = callback === undefined ? args : args.slice(0, -1)

  if (first === undefined || first === null) {
    // No port: any inherited socket will do.
    return { ...place({}, rest), callback }
  }
  if (typeof first === 'object') {
    const given = first as Record<string, unknown>
    if (typeof given.fd === 'number' || namesHandle(given)) return undefined
    const options = fromObject(given, rest)
    return options && { ...options, callback }
  }
  const port = portOf(first)
  if (port !== undefined) return { ...place({ port }, rest), callback }
  // A port that Node would refuse is no path. Node takes blanks for the number 0, as Number() does.
  if (typeof first !== 'string' || !Number.isNaN(Number(first))) return undefined
  return { ...place({ path: first }, rest), callback }
}

type Read = Omit<ListenCall, 'callback'>

// `listen(port, host, backlog)`, `listen(port, backlog)`, `listen(path, backlog)`.
function place(options: ListenCall['options'], rest: readonly unknown[]): Read {
  const [host] = rest
  const backlog = backlogOf(rest)
  return {
    options: {
      ...options,
      ...(typeof host === 'string' && host !== '' && options.path === undefined && { host }),
      ...(backlog !== undefined && { backlog }),
    },
    nodeOptions: {},
  }
}

function backlogOf(values: readonly unknown[]): number | undefined {
  return values.map(Number).find((number) => Number.isInteger(number) && number > 0)
}

function fromObject(given: Record<string, unknown>, rest: readonly unknown[]): Read | undefined {
  const { host, path, ipv6Only, reusePort, exclusive, signal } = given
  if (signal !== undefined && !isSignal(signal)) return undefined
  const hasPort = given.port !== undefined && given.port !== null
  const port = hasPort ? portOf(given.port) : undefined
  const usesPath = !hasPort && typeof path === 'string' && path !== ''
  // Node lets a port win over a path, and refuses an object that has neither.
  if (hasPort && port === undefined) return undefined
  if (!hasPort && !usesPath && !('port' in given)) return undefined
  const backlog = backlogOf([given.backlog, ...rest])
  return {
    options: {
      ...(usesPath ? { path } : hasPort && { port }),
      ...(typeof host === 'string' && host !== '' && !usesPath && { host }),
      ...(backlog !== undefined && { backlog }),
      ipv6Only: Boolean(ipv6Only),
      reusePort: Boolean(reusePort),
      exclusive: Boolean(exclusive),
    },
    nodeOptions: {
      ...(given.readableAll === true && { readableAll: true }),
      ...(given.writableAll === true && { writableAll: true }),
    },
    signal,
  }
}

// As validateAbortSignal of Node (lib/internal/validators.js).
const isSignal = (value: unknown): value is AbortSignal =>
  typeof value === 'object' && value !== null && 'aborted' in value

const isNumeric = (text: string): boolean => text.trim() !== '' && !Number.isNaN(Number(text))

function portOf(value: unknown): number | undefined {
  const port = typeof value === 'string' && isNumeric(value) ? Number(value) : value
  return isPort(port) ? port : undefined
}
