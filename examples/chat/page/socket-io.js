import { io } from '/socket.io/socket.io.esm.min.js'

/** Connects; the library connects again whenever the connection is closed. Returns what sends a message. */
export function connect({ onOpen, onMessage, onClose }) {
  // Polling has no connection that could go to the next process.
  const socket = io({ transports: ['websocket'] })
  socket.on('connect', onOpen)
  socket.on('message', onMessage)
  socket.on('disconnect', onClose)
  return (message) => socket.connected && socket.emit('message', message)
}
