import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { DrainResult } from '../base/types.ts'
import { NOTHING_DRAINED } from '../drain/drain.ts'
import { CHANNEL_VARIABLE } from '../process/environment.ts'
import { successorRuns } from '../process/successor.ts'
import { loadLibc } from '../sockets/libc.ts'
import { ChildChannel } from '../supervisor/child-channel.ts'
import { openNotifySocket } from '../supervisor/notify-socket.ts'
import { startedWith } from '../testing/manager-socket.ts'
import { closeAll, onClose } from '../testing/real-sockets.ts'
import { writeBatchHeader } from './batch-header.ts'
import type { Sent } from './fd-queue.ts'
import { receiver } from './receiver.ts'
import { closeQueueEnd, openSignalledQueue, sendAndSignal } from './signalled-queue.ts'
import { openChannel, reportDrained } from './supervisor-channel.ts'
import type { Batch } from './waiting-connections.ts'

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

afterEach(async () => {
  await closeAll()
  expect(logger.warn).not.toHaveBeenCalled()
})

interface Supervisor {
  channel: ChildChannel
  /** Resolves when the process has sent this notification. */
  receives(field: string, value: string): Promise<void>
  /** Closes the socket; returns all notifications. */
  notifications(): Promise<string[][]>
}

/** Makes this process one that a supervisor has started. */
function supervisor(): Supervisor {
  const all: string[][] = []
  let wake = (): void => {}
  const socket = openNotifySocket(({ fields }) => {
    all.push([...fields].flat())
    wake()
  })
  const channel = new ChildChannel()
  startedWith({
    NOTIFY_SOCKET: socket.address,
    SOCKET_PORT_SUCCESSOR: 'running',
    [CHANNEL_VARIABLE]: channel.fds.join(','),
  })
  for (const name of ['channel/1', 'receiver/1', 'successor/1']) {
    Reflect.deleteProperty(globalThis, Symbol.for(`@socket-port/core/${name}`))
  }
  onClose(() => socket.close())
  return {
    channel,
    async receives(field, value) {
      const isSent = (): boolean => all.some((one) => one[0] === field && one[1] === value)
      while (!isSent()) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    async notifications() {
      await socket.close()
      return all
    },
  }
}

interface Sender {
  /** Sends one connection. */
  send(fd: number): Sent
}

/** A connection that no server has, to a port on which this process no longer listens. */
async function unserved(): Promise<{ fd: number; port: number }> {
  const source = createNetServer().listen(0)
  await once(source, 'listening')
  const { port } = source.address() as AddressInfo
  const client = connect(port)
  const [[connection]] = await Promise.all([once(source, 'connection'), once(client, 'connect')])
  source.close()
  onClose(() => {
    connection.destroy()
    client.destroy()
  })
  return { fd: (connection as Socket & { _handle: { fd: number } })._handle.fd, port }
}

/** The sender of a queue whose far end the supervisor has passed to this process, after `fill`. */
async function passedQueue(
  channel: ChildChannel,
  fill?: (sender: Sender) => void,
): Promise<Sender> {
  const libc = loadLibc()
  const { near, far } = openSignalledQueue(libc)
  onClose(() => closeQueueEnd(near))
  const header = writeBatchHeader({ kind: 'idle-http', connections: 1, promise: 5_000 })
  const sender: Sender = { send: (fd) => sendAndSignal(libc, near, header, [fd]) }
  fill?.(sender)
  channel.pass([far.socket, far.wakeUp])
  closeQueueEnd(far)
  return sender
}

async function listening(port: number): Promise<void> {
  const server = createServer().listen(port)
  await once(server, 'listening')
  onClose(() => {
    server.close()
    server.closeAllConnections()
  })
  receiver().join(server)
}

const drained = (counts: Partial<DrainResult>): DrainResult => ({
  ...NOTHING_DRAINED,
  duration: 0,
  ...counts,
})

describe(...requireOrSkip('the channel of a supervisor', linuxSkipReason()), () => {
  it('carries messages in both directions', async () => {
    const { channel, notifications } = supervisor()
    openChannel(logger)
    expect(process.env[CHANNEL_VARIABLE]).toBeUndefined()
    // Until the supervisor says that the next process serves.
    expect(successorRuns()).toBe(false)
    reportDrained(drained({}), logger)
    reportDrained(drained({ handedOver: 2 }), logger)
    const webSockets = { closed: 7, handedOver: 4, cut: 1 }
    reportDrained(drained({ handedOver: 3, expired: 2, forced: 3, webSockets }), logger)
    expect(await notifications()).toEqual([
      ['X_SOCKET_PORT_RECEIVES', '1'],
      ['X_SOCKET_PORT_HANDED_OVER', '2'],
      [
        ...[
          'X_SOCKET_PORT_HANDED_OVER',
          '9',
          'X_SOCKET_PORT_CLOSED',
          '9',
          'X_SOCKET_PORT_CUT',
          '3',
        ],
        ...['X_SOCKET_PORT_HANDED_OVER_WEB_SOCKETS', '4', 'X_SOCKET_PORT_CLOSED_WEB_SOCKETS', '7'],
        ...['X_SOCKET_PORT_CUT_WEB_SOCKETS', '1'],
      ],
    ])

    // As a supervisor does: the signal follows at once, and must find the message read.
    const signalled = new Promise<boolean>((resolve) => {
      process.once('SIGUSR2', () => resolve(successorRuns()))
    })
    expect(channel.tellNext()).toBe(true)
    process.kill(process.pid, 'SIGUSR2')
    expect(await signalled).toBe(true)
  })

  it('is one for all copies of this package in the process', async () => {
    const { notifications } = supervisor()
    openChannel(logger)
    vi.resetModules()
    const other = await import('./supervisor-channel.ts')
    expect(other.openChannel).not.toBe(openChannel)
    other.openChannel(logger)
    expect(other.receivesFromSupervisor()).toBe(true)
    reportDrained(drained({ handedOver: 2 }), logger)
    other.reportDrained(drained({ handedOver: 3 }), logger)
    expect(await notifications()).toContainEqual(['X_SOCKET_PORT_HANDED_OVER', '5'])
  })

  it('loses no connection of a queue when the process drains', async () => {
    const { channel, receives, notifications } = supervisor()
    openChannel(logger)
    const { fd, port } = await unserved()
    await listening(port)
    const queue = await passedQueue(channel)
    queue.send(fd)
    await receives('X_SOCKET_PORT_RECEIVED', '1')
    // The byte in the wake-up pipe has not been read when the signal comes.
    expect(queue.send(fd)).toBe('sent')
    receiver().stop()
    expect(receiver().received).toBe(2)
    expect(queue.send(fd)).toBe('gone')
    expect(await notifications()).toContainEqual(['X_SOCKET_PORT_RECEIVED', '2'])
  })

  it('loses no connection of a queue that comes afterwards', async () => {
    const { channel } = supervisor()
    openChannel(logger)
    const [here, elsewhere] = [await unserved(), await unserved()]
    await listening(here.port)
    receiver().stop()
    const left = new Promise<Batch>((resolve) => receiver().forwardUnclaimed(resolve))
    const queue = await passedQueue(channel, ({ send }) => {
      expect([send(here.fd), send(elsewhere.fd)]).toEqual(['sent', 'sent'])
    })
    // No server takes that one: it goes on to the next process.
    const { promise, connections } = await left
    expect([promise, connections.length]).toEqual([5_000, 1])
    for (const { fd } of connections) closeSync(fd)
    expect(receiver().received).toBe(1)
    expect(queue.send(here.fd)).toBe('gone')
  })
})
