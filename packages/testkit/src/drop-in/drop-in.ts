import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An application of a framework; only its `listen` matters here. */
export interface Application {
  listen(...args: never[]): Server
}

/** Answers a request for a path. */
export type Answer = (path: string) => string | Promise<string>

/** A package that replaces a framework: the same application, except for `listen`. */
export interface DropIn {
  /** The name of the framework. */
  readonly name: string
  /** An application of the package; without `answer` it has no handler. */
  create(options?: object, answer?: Answer): Application
  /** An application of the framework itself. */
  base(): Application
}

/** Calls `listen` with arguments that its types may not allow. */
export function callListen(app: Application, ...args: unknown[]): Server {
  return Reflect.apply(app.listen, app, args)
}

/** The effects of a call of `listen` that must be the same with the framework and with our package. */
export interface Attempt {
  threw: string | undefined
  listening: boolean
  /** Without the port, which differs each time. */
  address: string | undefined
  errors: string[]
  /** The arguments of each call of the callback, `this` first. */
  calls: string[][]
}

/** Calls `listen`, waits for the outcome, and closes. */
export async function attempt(
  app: Application,
  args: unknown[],
  callback: boolean,
): Promise<Attempt> {
  const calls: unknown[][] = []
  const all = [...args]
  if (callback) {
    all.push(function (this: unknown, ...given: unknown[]) {
      calls.push([this, ...given])
    })
  }
  const errors: string[] = []
  let server: Server
  try {
    server = callListen(app, ...all)
  } catch (error) {
    return { threw: code(error), listening: false, address: undefined, errors, calls: [] }
  }
  server.on('error', (error) => errors.push(code(error)))
  await once(server, 'listening').catch(() => {})
  const { listening } = server
  const address = listening ? place(server.address()) : undefined
  if (listening) await once(server.close(), 'close')
  // Long enough for an event that is emitted twice by mistake.
  await new Promise(setImmediate)
  return {
    threw: undefined,
    listening,
    address,
    errors,
    calls: calls.map((call) => call.map((value) => (value === server ? 'server' : code(value)))),
  }
}

const code = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

const place = (address: AddressInfo | string | null): string =>
  address === null || typeof address === 'string' ? `${address}` : address.address
