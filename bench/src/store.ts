import { closeSync } from 'node:fs'
import { openNotifySocket, QUEUE_NAME } from '@socket-port/core/supervisor'
import type { PassedSocket } from '@socket-port/testkit'

/** Does what systemd does for a hand-over, and nothing else: keeps the queue between two processes. */
export interface Store {
  /** The value for NOTIFY_SOCKET. */
  readonly address: string
  /** Returns the queue that a process has left, which the caller then owns; throws if there is none. */
  take(): PassedSocket & { readonly fd: number }
  close(): Promise<void>
}

export function openStore(): Store {
  const kept: number[] = []
  const socket = openNotifySocket(({ fields, fds }) => {
    const keeps = fields.get('FDSTORE') === '1' && fields.get('FDNAME') === QUEUE_NAME
    // A barrier is answered by closing it.
    for (const fd of fds) keeps ? kept.push(fd) : closeSync(fd)
  })
  return {
    address: socket.address,
    take() {
      const fd = kept.pop()
      if (fd === undefined || kept.length > 0) throw new Error('a process leaves one queue')
      return { fd, name: QUEUE_NAME }
    },
    async close() {
      await socket.close()
      for (const fd of kept.splice(0)) closeSync(fd)
    },
  }
}
