import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

/** What a call of `listen` did, as far as Express and its drop-in can be compared. */
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
export async function attempt(app: Express, args: unknown[], callback: boolean): Promise<Attempt> {
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
    server = Reflect.apply(app.listen, app, all)
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
