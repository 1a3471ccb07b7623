// For packages that make a framework's own `listen` and `close` those of core: docs/adapters.md.
import './base/refuse-runtime.ts'

export { SocketPortError } from './base/errors.ts'
export type { AnyServer, Logger, Service } from './base/types.ts'
export { type Attached, type AttachParts, attach, serviceOf } from './service/attach.ts'
export type { AttachOptions } from './service/options.ts'
