export type { AttachOptions } from '@socket-port/core/adapter'
export { SocketPortFastifyAdapter } from './fastify-adapter.ts'
