// For packages that make a framework's own `listen` and `close` those of core, and for those that let the next process
// continue the connections of a protocol: docs/adapters.md.
import './base/refuse-runtime.ts'

export { SocketPortError } from './base/errors.ts'
export type { AnyServer, Logger, LongLivedKind, Service } from './base/types.ts'
export { type AnyRequest, attachmentOf, isContinued, reportRefusal } from './continue/attachment.ts'
export {
  type Continuable,
  type Continuation,
  continuableOf,
  handOverConnection,
} from './continue/continuable.ts'
export { type RequestChanges, requestHead } from './continue/request-head.ts'
export { hearResponseHead } from './continue/response-head.ts'
export { beforeUpgrade, type UpgradeHook } from './continue/upgrade-hooks.ts'
export { isFlushed, pauseReading, resumeReading, unreadBytes } from './node/tcp-handle.ts'
export { type Attached, type AttachParts, attach, serviceOf } from './service/attach.ts'
export type { AttachOptions } from './service/options.ts'
