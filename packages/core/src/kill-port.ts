// For tools of development that free a busy port.
import './base/refuse-runtime.ts'

export { type KillPortOptions, type KillPortResult, killPort } from './kill-port/kill-port.ts'
