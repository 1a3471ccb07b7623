export type { ManageOptions } from '@socket-port/core'
export { SocketPortExpressAdapter } from './express-adapter.ts'
