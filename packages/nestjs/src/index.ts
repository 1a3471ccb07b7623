export type { AttachOptions } from '@socket-port/core/adapter'
export { SocketPortExpressAdapter } from './express-adapter.ts'
