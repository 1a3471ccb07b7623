import { once } from 'node:events'
import { createServer } from 'node:net'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closeAll, onClose, temporaryDirectory } from '../testing/real-sockets.ts'

afterEach(closeAll)

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

describe(...requireOrSkip('the target for idle connections', linuxSkipReason()), () => {
  it('has one barrier for all copies of this package in the process', async () => {
    const server = createServer().listen(`${temporaryDirectory()}/socket`)
    await once(server, 'listening')
    onClose(() => server.close())
    const one = await import('./sender.ts')
    vi.resetModules()
    const two = await import('./sender.ts')
    expect(two.targetFor).not.toBe(one.targetFor)
    const barriers = await Promise.all(
      [one, two].map(async ({ targetFor }) => (await targetFor(server, true, logger))?.barrier),
    )
    expect(barriers[0]).toBeDefined()
    expect(barriers[1]).toBe(barriers[0])
  })
})
