import './base/refuse-runtime.ts'

export type {
  DrainEndEvent,
  DrainStartEvent,
  ListenEvent,
  ReadyEvent,
  ReceiveEvent,
  ReloadEvent,
} from './base/channels.ts'
export { type BindErrorCode, SocketPortError, type SocketPortErrorCode } from './base/errors.ts'
export type * from './base/types.ts'
export { type AnyRequest, attachmentOf } from './continue/attachment.ts'
export {
  type AnyResponse,
  type HandOverEventStreamOptions,
  handOverEventStream,
} from './continue/event-stream.ts'
export { createDrain } from './drain/drain.ts'
export {
  onUpgraded,
  type UpgradedCloser,
  type UpgradedHook,
  type UpgradedStreamRequest,
} from './drain/protocols/on-upgraded.ts'
export type { ShutdownHook } from './lifecycle/hooks.ts'
export { onReload, type ReloadHook, type ReloadHookOptions } from './lifecycle/reload.ts'
export {
  onShutdown,
  type ShutdownHookOptions,
  type ShutdownOptions,
  shutdown,
} from './lifecycle/shutdown.ts'
export { type InheritedSocketsOptions, inheritedSockets } from './listen/inherited-sockets.ts'
export { listen, listenFd } from './listen/listen.ts'
export type { ListenTarget } from './listen/options.ts'
export { type NotifyBarrierOptions, notify, notifyBarrier } from './notify/notify.ts'
export { type Attached, attach, serviceOf } from './service/attach.ts'
export type { AttachOptions } from './service/options.ts'
export { serve } from './service/serve.ts'
