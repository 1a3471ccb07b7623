import { closeSync } from 'node:fs'
import { usableLibc } from '../bind-fd.ts'
import { sendNotification } from '../notify/send.ts'
import type { Logger } from '../types.ts'
import { adoption } from './adoption.ts'
import { hear, type LineEnd } from './bell-line.ts'
import type { Received } from './line.ts'

/** Names the two descriptors through which a supervisor passes lines to a process that runs. */
export const CHANNEL_VARIABLE = 'SOCKET_PORT_CHANNEL'

/** What a process says that takes connections through its channel. */
export const ADOPTS = 'X_SOCKET_PORT_ADOPTS'

let opened = false

/**
 * Listens for lines of the generation before, where a supervisor gave this process a channel, and
 * tells the supervisor so. The first call reads the variable and removes it.
 */
export function openChannel(logger: Logger): void {
  const end = opened ? undefined : readChannel(process.env[CHANNEL_VARIABLE])
  opened = true
  delete process.env[CHANNEL_VARIABLE]
  if (end === undefined) return
  try {
    const libc = usableLibc()
    const takeConnections = (next: () => Received | undefined) => adoption().receive(next, logger)
    void hear(libc, end, async (next) => {
      for (let message = next(); message !== undefined; message = next()) {
        const [socket, bell, ...others] = message.fds
        for (const fd of others) closeSync(fd)
        if (socket === undefined || bell === undefined) continue
        void hear(libc, { socket, bell }, takeConnections)
      }
    })
    sendNotification({ [ADOPTS]: 1 }, [], logger)
  } catch (error) {
    logger.debug(`no connection is taken from the process before: ${(error as Error).message}`)
  }
}

function readChannel(text: string | undefined): LineEnd | undefined {
  const [, socket, bell] = /^(\d{1,6}),(\d{1,6})$/.exec(text ?? '') ?? []
  return socket === undefined ? undefined : { socket: Number(socket), bell: Number(bell) }
}
