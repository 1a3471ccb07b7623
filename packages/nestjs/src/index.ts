export type { AttachOptions } from '@socket-port/core'
export { SocketPortExpressAdapter } from './express-adapter.ts'
