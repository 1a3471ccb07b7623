// For packages that carry a protocol on WebSockets, such as Socket.IO.
export {
  type ContinueWebSocketsOptions,
  continueWebSockets,
  type PassedWebSocket,
  SERVICE_RESTART,
  type WebSocketProtocol,
} from './continue-web-sockets.ts'
export { differenceFrom, type Shape } from './shape.ts'
