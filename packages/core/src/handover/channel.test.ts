import { describe, expect, it, vi } from 'vitest'
import { ChildChannel } from '../manager/child-channel.ts'
import { openNotifySocket } from '../manager/notify-socket.ts'
import { successorRuns } from '../successor.ts'
import { CHANNEL_VARIABLE, openChannel, reportHandedOver } from './channel.ts'

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

describe.runIf(process.platform === 'linux')('the channel of a supervisor', () => {
  it('is spoken through in both directions', async () => {
    const heard: string[][] = []
    const socket = openNotifySocket(({ fields }) => heard.push([...fields].flat()))
    const channel = new ChildChannel()
    process.env.NOTIFY_SOCKET = socket.address
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    process.env[CHANNEL_VARIABLE] = channel.fds.join(',')

    openChannel(logger)
    expect(process.env[CHANNEL_VARIABLE]).toBeUndefined()
    expect(successorRuns()).toBe(true)
    reportHandedOver(0, logger)
    reportHandedOver(2, logger)
    reportHandedOver(3, logger)
    await socket.close()
    expect(heard).toEqual([
      ['X_SOCKET_PORT_ADOPTS', '1'],
      ['X_SOCKET_PORT_HANDED_OVER', '2'],
      ['X_SOCKET_PORT_HANDED_OVER', '5'],
    ])

    // As a supervisor does: the signal follows at once, and must find it heard.
    const signalled = new Promise<boolean>((resolve) => {
      process.once('SIGUSR2', () => resolve(successorRuns()))
    })
    expect(channel.sayLast()).toBe(true)
    process.kill(process.pid, 'SIGUSR2')
    expect(await signalled).toBe(false)
    expect(logger.warn).not.toHaveBeenCalled()
  })
})
