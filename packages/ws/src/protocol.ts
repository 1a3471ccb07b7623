// For packages that carry a protocol on WebSockets, such as Socket.IO.
export {
  type ContinueWebSocketsOptions,
  continueWebSockets,
  type PassedWebSocket,
  type WebSocketProtocol,
} from './continue-web-sockets.ts'
