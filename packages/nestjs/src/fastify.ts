export type { ManageOptions } from '@socket-port/core'
export { SocketPortFastifyAdapter } from './fastify-adapter.ts'
