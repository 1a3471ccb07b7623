import { fstatSync } from 'node:fs'

/** A message of a supervisor: the two descriptors that come with it are the end of a queue. */
export const QUEUE = 'queue'
/** A message of a supervisor: the next process serves, and the stop signal follows. */
export const NEXT = 'next'

/** The end of the channel that the process has: a datagram socket, and a stream that wakes it up for each message. */
export interface ChannelEnd {
  socket: number
  wakeUp: number
}

/** Parses SOCKET_PORT_CHANNEL; `undefined` where its numbers are no sockets (any more). */
export function readChannelEnd(text: string): ChannelEnd | undefined {
  const [, socket, wakeUp] = /^(\d{1,6}),(\d{1,6})$/.exec(text) ?? []
  if (socket === undefined || wakeUp === undefined) return undefined
  const end = { socket: Number(socket), wakeUp: Number(wakeUp) }
  // Node marks inherited descriptors close-on-exec. So below a wrapper such as npm the channel is lost, and
  // the numbers belong to descriptors that Node itself has opened.
  return isSocket(end.socket) && isSocket(end.wakeUp) ? end : undefined
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch {
    return false
  }
}
