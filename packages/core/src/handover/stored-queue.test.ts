import { closeSync } from 'node:fs'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ManagerSocket, type Received, startedWith } from '../testing/manager-socket.ts'
import { closeAll, descriptors } from '../testing/real-sockets.ts'
import { openStoredQueue } from './stored-queue.ts'

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

afterEach(async () => {
  vi.unstubAllEnvs()
  vi.clearAllMocks()
  await closeAll()
})

/** Opens a queue with a manager that answers the barrier, and returns also what the manager holds then. */
async function openWith(
  manager: ManagerSocket,
  closes: boolean,
): Promise<{ opened: boolean; held: Received[] }> {
  const opening = openStoredQueue(logger)
  const held: Received[] = []
  while (held.length < 2) held.push(...(await manager.next()))
  if (closes) held[0]?.fds.splice(0).forEach(closeSync)
  held[1]?.fds.splice(0).forEach(closeSync)
  return { opened: (await opening) !== undefined, held }
}

describe(...requireOrSkip('a queue for the fd store', linuxSkipReason()), () => {
  it('is open where the manager keeps its other end', async () => {
    const manager = new ManagerSocket()
    startedWith({ NOTIFY_SOCKET: manager.address })
    const { opened, held } = await openWith(manager, false)
    expect(opened).toBe(true)
    expect(held.map(({ text }) => text.trim())).toEqual([
      'FDSTORE=1\nFDNAME=socket-port/connections',
      'BARRIER=1',
    ])
    held[0]?.fds.forEach(closeSync)
  })

  it('is not open where the manager has closed its other end', async () => {
    const manager = new ManagerSocket()
    startedWith({ NOTIFY_SOCKET: manager.address })
    expect(await openWith(manager, true)).toMatchObject({ opened: false })
  })

  // As systemd 254 and later, which closes what it refuses some milliseconds after the barrier.
  it('is not offered to a store without room, which might close its other end later', async () => {
    const before = descriptors()
    const manager = new ManagerSocket()
    startedWith({ NOTIFY_SOCKET: manager.address })
    vi.stubEnv('INVOCATION_ID', '4711')
    vi.stubEnv('SYSTEMD_EXEC_PID', String(process.pid))
    vi.stubEnv('FDSTORE', '0')
    expect(await openStoredQueue(logger)).toBeUndefined()
    expect(manager.texts()).toEqual([])
    expect(logger.info.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^idle connections stay here for as long as was promised: .* takes 0 .* Set FileDescriptorStoreMax=1 or more/,
        ),
      ],
    ])
    manager.close()
    expect(descriptors()).toEqual(before)
  })
})
