import { once } from 'node:events'
import { type AddressInfo, connect, Socket } from 'node:net'
import type { InheritedSocket, ListenOptions } from '@socket-port/core'
import {
  type Generation,
  type GenerationOptions,
  type Ready,
  startGeneration,
} from '@socket-port/testkit/generation'
import {
  AF_UNIX,
  connect as connectFd,
  openFd,
  SOCK_STREAM,
  unixAddress,
} from '@socket-port/testkit/sockets'

/** What came of one call of `listen`. */
export interface Outcome {
  source?: 'inherited' | 'bound'
  fd?: number
  name?: string
  address?: AddressInfo | string
  code?: string
  message?: string
}

/** What the fixture core-listen.mjs reports. */
export interface Report extends Ready {
  outcomes: Outcome[]
  /** The LISTEN_ variables that are left. */
  variables: string[]
  warnings: string[]
  /** Whether native code was loaded. */
  koffi: boolean
  sockets: InheritedSocket[]
}

export interface Listening {
  process: Generation
  report: Report
}

type Options = Omit<GenerationOptions, 'script' | 'command'> & {
  /** Options of Node itself. */
  flags?: readonly string[]
  /** The copy of core that is used. @default the one that this package depends on */
  core?: string
  /** A copy of the program, where no package is found from. @default the one of the fixtures */
  program?: string
}

export const fixture = (name: string): string =>
  new URL(`../../fixtures/${name}`, import.meta.url).pathname

/** Starts a process that calls `listen` for each target, one after the other. */
export async function startListening(
  targets: readonly ListenOptions[],
  {
    flags = [],
    core,
    program = fixture('core-listen.mjs'),
    execPath = process.execPath,
    env,
    ...options
  }: Options = {},
): Promise<Listening> {
  const started = startGeneration({
    ...options,
    command: [execPath, ...flags, program],
    env: { TARGETS: JSON.stringify(targets), ...(core && { CORE: core }), ...env },
  })
  return { process: started, report: (await started.ready()) as Report }
}

/** The TCP port of the first server. */
export function portOf({ outcomes: [first] }: Report): number {
  if (typeof first?.address !== 'object') throw new Error(`no port: ${JSON.stringify(first)}`)
  return first.address.port
}

/** Connects and returns all that the server says. */
export async function replyFrom({ port = 0, path, host = '127.0.0.1' }: Place): Promise<string> {
  const socket = path === undefined ? connect({ port, host }) : connectUnix(path)
  let text = ''
  socket.setEncoding('utf8').on('data', (data) => {
    text += data
  })
  await once(socket, 'end')
  return text
}

function connectUnix(path: string): Socket {
  if (!path.startsWith('@')) return connect({ path })
  // Node 20 fills an abstract name up with NULs, and so does not find one that it did not bind.
  const fd = openFd(AF_UNIX, SOCK_STREAM)
  connectFd(fd, unixAddress(path))
  return new Socket({ fd, readable: true, writable: true })
}

interface Place {
  readonly port?: number
  readonly path?: string
  readonly host?: string
}
