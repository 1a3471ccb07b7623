import type { CarriedSocket } from './carried.ts'
import { CONNECT, rename, type Socket } from './internals.ts'

/**
 * Gives a new socket the state that its client had in the previous process, before the middlewares of its namespace run.
 * Nothing is sent to the client: it knows its id, and did not ask to connect, so it must not get a refusal. Returns a promise
 * if the adapter joins rooms asynchronously.
 */
export function restore(
  socket: Socket,
  { id, pid, rooms, data, auth, time, issued, nextAck }: CarriedSocket,
  refuse: () => void,
): Promise<unknown> | undefined {
  rename(socket, id)
  socket.pid = pid ?? socket.pid
  socket.data = data
  socket.recovered = true
  Object.assign(socket.handshake, { auth, time, issued })
  const { nsp } = socket
  nsp._ids = Math.max(nsp._ids, nextAck)
  muteConnect(socket)
  socket._error = refuse
  const joining = socket.join([...rooms])
  return joining instanceof Promise ? joining : undefined
}

/** Drops the packet that tells a client that it has joined a namespace. */
function muteConnect(socket: Socket): void {
  const { packet: send } = socket
  const muted: Socket['packet'] = (packet, options) => {
    if (packet.type !== CONNECT) return send.call(socket, packet, options)
    if (socket.packet === muted) socket.packet = send
  }
  socket.packet = muted
}
