import { Agent, get, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import newest, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import oldest from 'fastify-oldest'
import { socketPort } from '../index.ts'

/** Creates applications with one release of Fastify. */
export type Create = (options?: FastifyServerOptions) => FastifyInstance

/** The newest release that is supported and the oldest. */
export const RELEASES: [string, Create][] = [newest, oldest as unknown as typeof newest].map(
  (create) => [create().version, (options = {}) => create(options)],
)

/** Options of a plugin that neither listens to signals nor ends the process of the tests. */
export const QUIET = { signals: false, exit: false } as const

const cleanups: (() => unknown)[] = []

/** Closes everything that was opened here: for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** Adds a function that {@link closeAll} calls, the newest first. */
export function onClose(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** An application that answers `GET /`, with the plugin unless `plain`. */
export function application(
  create: Create,
  { plain = false, ...options }: FastifyServerOptions & { plain?: boolean } = {},
): FastifyInstance {
  const app = create(options)
  if (!plain) app.register(socketPort, QUIET)
  app.get('/', async () => 'hello')
  onClose(() => app.close())
  return app
}

export interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** A client with one keep-alive connection. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #to: { port: number; host: string }

  constructor(port: number, host = '127.0.0.1') {
    this.#to = { port, host }
    onClose(() => this.#agent.destroy())
  }

  get(path = '/'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      get({ ...this.#to, path, agent: this.#agent }, async (response) => {
        const { statusCode: status, headers } = response
        resolve({ status, headers, body: await text(response) })
      }).once('error', reject)
    })
  }
}
