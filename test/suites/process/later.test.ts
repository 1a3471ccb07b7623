import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openListener, startGeneration } from '@socket-port/testkit'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const DIST = fileURLToPath(new URL('../../../packages/core/dist', import.meta.url))
const script = fileURLToPath(new URL('../../fixtures/served-later.mjs', import.meta.url))

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-later-'))
})
afterEach(async () => {
  await endProcesses()
  rmSync(directory, { recursive: true })
})

describe(...requireOrSkip('what core loads after the start', linuxSkipReason()), () => {
  it('is there for the drain when the files are gone', async () => {
    const core = join(directory, 'dist')
    cpSync(DIST, core, { recursive: true })
    const listener = openListener({ host: '127.0.0.1' })
    const { port } = listener
    const env = { CORE: core, PORT: String(port), GONE: '1' }
    const server = startGeneration({ script, sockets: [listener], env })
    await server.ready()
    expect(existsSync(core)).toBe(false)
    const client = await RawConnection.open(port)
    client.send(get('/'))
    await server.printed(/held/)
    server.signal('SIGTERM')
    expect(await client.receive(/served$/)).toMatch(/connection: close/i)
    expect(await server.exit).toMatchObject({ code: 0, signal: null })
    expect(server.stderr).toBe('')
    listener.close()
  })

  it('is waited for by a drain that begins before', async () => {
    const listener = openListener({ host: '127.0.0.1' })
    const { port } = listener
    // It waits in the queue, so that the server reads it as soon as it listens.
    const client = await RawConnection.open(port)
    client.send(get('/'))
    const env = { CORE: DIST, PORT: String(port), AT: 'request' }
    const server = startGeneration({ script, sockets: [listener], env })
    expect(await client.receive(/served$/)).toMatch(/connection: close/i)
    expect(await server.exit).toMatchObject({ code: 0, signal: null })
    expect(server.stderr).toBe('')
    listener.close()
  })
})
