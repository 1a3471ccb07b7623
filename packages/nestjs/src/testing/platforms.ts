import type { AttachOptions } from '@socket-port/core/adapter'
import { SocketPortFastifyAdapter } from '../fastify.ts'
import { SocketPortExpressAdapter } from '../index.ts'

export interface Platform {
  readonly name: string
  /** Nest's own name of its adapter. */
  readonly adapter: string
  /** Whether an invalid port is an error: Nest 11 on Fastify accepts every text, and does not report what Node throws. */
  readonly checksPorts: boolean
  create(options?: AttachOptions): SocketPortExpressAdapter | SocketPortFastifyAdapter
}

export const platforms: readonly Platform[] = [
  {
    name: 'platform-express',
    adapter: 'ExpressAdapter',
    checksPorts: true,
    create: (options) => new SocketPortExpressAdapter(options),
  },
  {
    name: 'platform-fastify',
    adapter: 'FastifyAdapter',
    checksPorts: process.env.OLDER === undefined,
    create: (options) => new SocketPortFastifyAdapter({}, options),
  },
]
