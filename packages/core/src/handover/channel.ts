import { closeSync } from 'node:fs'
import { sendNotification } from '../notify/send.ts'
import { usableLibc } from '../sockets/usable-libc.ts'
import { nobodyFollows } from '../successor.ts'
import type { Logger } from '../types.ts'
import { adoption } from './adoption.ts'
import { hear, type LineEnd } from './bell-line.ts'
import type { Received } from './line.ts'

/** Names the two descriptors through which a supervisor speaks to a process that runs. */
export const CHANNEL_VARIABLE = 'SOCKET_PORT_CHANNEL'

/** What a supervisor says through it: here is a line, in two descriptors; nobody follows you. */
export const LINE = 'line'
export const LAST = 'last'

/** What a process says that takes connections through its channel. */
export const ADOPTS = 'X_SOCKET_PORT_ADOPTS'

/** How many connections a process has taken so far from the one before, and given to the next. */
export const ADOPTED = 'X_SOCKET_PORT_ADOPTED'
export const HANDED_OVER = 'X_SOCKET_PORT_HANDED_OVER'

let opened = false
let isSupervised = false
let handedOver = 0

/**
 * Listens to the supervisor, where one gave this process a channel, and tells it so. The first call
 * reads the variable and removes it.
 */
export function openChannel(logger: Logger): void {
  const end = opened ? undefined : readChannel(process.env[CHANNEL_VARIABLE])
  opened = true
  delete process.env[CHANNEL_VARIABLE]
  if (end === undefined) return
  try {
    const libc = usableLibc()
    let told = 0
    const takeConnections = async (next: () => Received | undefined): Promise<void> => {
      await adoption().receive(next, logger)
      const { adopted } = adoption()
      if (adopted > told) sendNotification({ [ADOPTED]: adopted }, [], logger)
      told = adopted
    }
    // Without a pause: SIGTERM follows LAST, and libuv calls those who wait for signals after those
    // who read (uv__io_poll), so that a drain finds all that was said before.
    void hear(libc, end, async (next) => {
      for (let message = next(); message !== undefined; message = next()) {
        const [socket, bell, ...others] = message.fds
        for (const fd of others) closeSync(fd)
        if (Buffer.from(message.bytes).toString() === LAST) nobodyFollows()
        if (socket === undefined || bell === undefined) continue
        void hear(libc, { socket, bell }, takeConnections)
      }
    })
    sendNotification({ [ADOPTS]: 1 }, [], logger)
    isSupervised = true
  } catch (error) {
    logger.debug(`no connection is taken from the process before: ${(error as Error).message}`)
  }
}

/** A supervisor started this process, and speaks to it. */
export const hasChannel = (): boolean => isSupervised

/** Tells the supervisor, where there is one, of connections that a server has handed over. */
export function reportHandedOver(connections: number, logger: Logger): void {
  handedOver += connections
  if (isSupervised && connections > 0) sendNotification({ [HANDED_OVER]: handedOver }, [], logger)
}

function readChannel(text: string | undefined): LineEnd | undefined {
  const [, socket, bell] = /^(\d{1,6}),(\d{1,6})$/.exec(text ?? '') ?? []
  return socket === undefined ? undefined : { socket: Number(socket), bell: Number(bell) }
}
