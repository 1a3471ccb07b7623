export { type AnyRequest, attachmentOf, isContinued } from '@socket-port/core/adapter'
export type { AttachmentFunction } from './attachments.ts'
export { type HandOverWebSocketsOptions, handOverWebSockets } from './hand-over-web-sockets.ts'
