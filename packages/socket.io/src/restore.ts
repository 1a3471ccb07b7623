import type { CarriedSocket } from './carried.ts'
import { CONNECT, rename, type Socket } from './internals.ts'

/**
 * Gives a new socket what its client had in the previous process, before the middlewares of its namespace run.
 * The client is told nothing: it knows its id, and a refusal must not reach it as the answer to a question that it has
 * not asked. Returns a promise where the adapter joins rooms elsewhere.
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

/** Swallows the packet that tells a client that it has joined a namespace. */
function muteConnect(socket: Socket): void {
  const { packet: send } = socket
  const muted: Socket['packet'] = (packet, options) => {
    if (packet.type !== CONNECT) return send.call(socket, packet, options)
    if (socket.packet === muted) socket.packet = send
  }
  socket.packet = muted
}
