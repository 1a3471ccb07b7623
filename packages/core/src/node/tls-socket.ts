import type { Socket } from 'node:net'

/** Whether the socket is a TLSSocket, on either side of a handshake. */
export const isEncrypted = (socket: Socket): boolean => 'encrypted' in socket

/** The TCP socket below a TLSSocket of a server; `undefined` if it has none. */
export const socketBelow = (socket: Socket): Socket | undefined =>
  (socket as { _parent?: Socket })._parent
