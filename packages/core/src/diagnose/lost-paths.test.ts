import { once } from 'node:events'
import { renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { closeAll, onClose, temporaryDirectory } from '../testing/real-sockets.ts'
import { findLostPaths } from './lost-paths.ts'

afterEach(closeAll)

async function listenAt(path: string): Promise<void> {
  const server = createServer().listen(path)
  await once(server, 'listening')
  onClose(() => void server.close())
}

describe(...requireOrSkip('findLostPaths', linuxSkipReason()), () => {
  it('finds a path that was removed, and one that was bound again', async () => {
    const path = join(temporaryDirectory(), 'app.sock')
    await listenAt(path)
    expect(findLostPaths([path])).toEqual([])
    renameSync(path, `${path}.old`)
    expect(findLostPaths([path, path])).toEqual([{ path, now: 'gone' }])
    await listenAt(path)
    expect(findLostPaths([path])).toEqual([{ path, now: 'replaced' }])
    rmSync(`${path}.old`)
  })

  it('skips names without a file, and paths that this user may not look at', () => {
    expect(findLostPaths(['@app', 'relative.sock', '/dev/null/app.sock'])).toEqual([])
  })
})
