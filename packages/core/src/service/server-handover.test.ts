import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CHANNEL_VARIABLE } from '../process/environment.ts'
import { ChildChannel } from '../supervisor/child-channel.ts'
import { type NotifySocket, openNotifySocket } from '../supervisor/notify-socket.ts'
import { startedWith } from '../testing/manager-socket.ts'
import { closeAll, onClose } from '../testing/real-sockets.ts'

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

let channel: ChildChannel
let socket: NotifySocket
const notifications: string[] = []
let onNotification = (): void => {}

beforeEach(() => {
  notifications.length = 0
  socket = openNotifySocket(({ fields }) => {
    notifications.push(...fields.keys())
    onNotification()
  })
  onClose(() => socket.close())
  channel = new ChildChannel()
  startedWith({
    NOTIFY_SOCKET: socket.address,
    SOCKET_PORT_SUCCESSOR: 'running',
    [CHANNEL_VARIABLE]: channel.fds.join(','),
  })
  for (const name of ['channel', 'receiver', 'successor', 'readiness', 'shutdown', 'environment']) {
    Reflect.deleteProperty(globalThis, Symbol.for(`@socket-port/core/${name}/1`))
  }
  // Nothing that is loaded later is loaded.
  vi.resetModules()
})

afterEach(async () => {
  await closeAll()
  expect(logger.warn).not.toHaveBeenCalled()
})

const told = async (field: string): Promise<void> => {
  while (!notifications.includes(field)) {
    await new Promise<void>((resolve) => {
      onNotification = resolve
    })
  }
}

describe(
  ...requireOrSkip('the first server of a process under a supervisor', linuxSkipReason()),
  () => {
    it('is ready only when it receives connections', async () => {
      const { serve } = await import('./serve.ts')
      const service = await serve(createServer(), { port: 0, signals: false, exit: false, logger })
      expect(process.env[CHANNEL_VARIABLE]).toBeUndefined()
      await told('READY')
      expect(notifications.slice(0, 2)).toEqual(['X_SOCKET_PORT_RECEIVES', 'READY'])
      await service.close()
    })

    it('gets a message in its drain that was sent as soon as it listened', async () => {
      const { serve } = await import('./serve.ts')
      const { successorRuns } = await import('../process/successor.ts')
      const server = createServer()
      server.once('listening', () => {
        expect(channel.tellNext()).toBe(true)
        process.kill(process.pid, 'SIGTERM')
      })
      const drained = new Promise<boolean>((resolve) => {
        const onDrain = (): void => resolve(successorRuns())
        subscribe('socket-port.drain.start', onDrain)
        onClose(() => unsubscribe('socket-port.drain.start', onDrain))
      })
      await serve(server, { port: 0, signals: ['SIGTERM'], exit: false, logger })
      expect(await drained).toBe(true)
    })

    it('is ready also if it closes at once, and the process has another', async () => {
      const { serve } = await import('./serve.ts')
      const first = createServer()
      first.once('listening', () => first.close())
      const options = { port: 0, signals: false as const, exit: false, logger }
      const [, second] = await Promise.all([serve(first, options), serve(createServer(), options)])
      await told('READY')
      await second.close()
    })
  },
)
