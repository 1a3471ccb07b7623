import { fstatSync } from 'node:fs'

/** Names the two descriptors through which a supervisor and a process that runs speak. */
export const CHANNEL_VARIABLE = 'SOCKET_PORT_CHANNEL'

/** What a supervisor says through it: here is a line, in two descriptors; nobody follows you. */
export const QUEUE = 'queue'
export const LAST = 'last'

/** The end of a process: a datagram socket, and a stream whose bytes say that something waits. */
export interface ChannelEnd {
  socket: number
  wakeUp: number
}

/** Reads the variable; `undefined` without one, or where its descriptors are something else by now. */
export function readChannelEnd(text: string | undefined): ChannelEnd | undefined {
  const [, socket, wakeUp] = /^(\d{1,6}),(\d{1,6})$/.exec(text ?? '') ?? []
  if (socket === undefined || wakeUp === undefined) return undefined
  const end = { socket: Number(socket), wakeUp: Number(wakeUp) }
  // Node marks what it inherits close-on-exec: below a wrapper such as npm they are Node's own.
  return isSocket(end.socket) && isSocket(end.wakeUp) ? end : undefined
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch {
    return false
  }
}
