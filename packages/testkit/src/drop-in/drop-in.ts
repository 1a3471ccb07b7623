import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An application of a framework, as far as it listens. */
export interface Application {
  listen(...args: never[]): Server
}

/** Answers a request for a path. */
export type Answer = (path: string) => string | Promise<string>

/** A package that takes the place of a framework: the same application, but for its `listen`. */
export interface DropIn {
  /** Of the framework. */
  readonly name: string
  /** An application of the package; without `answer` it has no handler. */
  create(options?: object, answer?: Answer): Application
  /** An application of the framework itself. */
  base(): Application
}

/** Calls `listen` with what its types may not know. */
export function callListen(app: Application, ...args: unknown[]): Server {
  return Reflect.apply(app.listen, app, args)
}

/** What a call of `listen` did, as far as the framework and its drop-in can be compared. */
export interface Attempt {
  threw: string | undefined
  listening: boolean
  /** Less the port, which is another each time. */
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
  // What would come a second time comes by then.
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
