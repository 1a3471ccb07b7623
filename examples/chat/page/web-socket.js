/** Connects, and again whenever the connection is closed. Returns what sends a message. */
export function connect({ onOpen, onMessage, onClose }) {
  let socket
  const open = () => {
    socket = new WebSocket(new URL('messages', location.href.replace(/^http/, 'ws')))
    socket.onopen = onOpen
    socket.onmessage = ({ data }) => onMessage(JSON.parse(data))
    socket.onclose = () => {
      onClose()
      setTimeout(open, 1_000)
    }
  }
  open()
  return (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message))
}
