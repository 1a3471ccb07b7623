export type { AttachOptions } from '@socket-port/core'
export { SocketPortFastifyAdapter } from './fastify-adapter.ts'
