import { readdirSync, readlinkSync } from 'node:fs'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { describe, expect, it } from 'vitest'
import { expectStops, fixture, openFds, pidsOf, SERVER, start } from './supervising.ts'

const FOREIGN = fixture('handover/foreign-header.mjs')
const CLIENTS = 3
const known = { version: 1, kind: 'idle-http', connections: CLIENTS, promise: 5_000 }

/** How many sockets the process has open. A file may be open for a moment. */
function socketsOf(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return 'closed meanwhile'
    }
  })
  return links.filter((link) => link.startsWith('socket:')).length
}

async function connectAll(port: number): Promise<RawConnection[]> {
  const clients = Array.from({ length: CLIENTS }, () => RawConnection.open(port))
  const open = await Promise.all(clients)
  for (const client of open) {
    client.send(get('/'))
    await client.receive(/^HTTP\/1\.1 200 .*\r\n\r\n/s)
  }
  return open
}

describe('the next process gets connections from another version of core', () => {
  it.each([
    ['of the previous release', { port: 80, address: '::', promise: 5_000 }, 'without a version'],
    ['of a later version', { ...known, version: 2 }, 'version 2, kind "idle-http"'],
    ['of another kind', { ...known, kind: 'websocket' }, 'version 1, kind "websocket"'],
    [
      'of a file that is none',
      { ...known, kind: 'continued', connections: 2, key: 'x' },
      'has 0 bytes',
    ],
    ['of too many bytes', { ...known, padding: 'x'.repeat(2_000) }, 'more than 1024 bytes'],
  ])('with a header %s: clients see a close, and nothing stays open', async (_, header, seen) => {
    const supervised = await start({
      command: [process.execPath, '--import', FOREIGN, SERVER],
      env: { HEADER: JSON.stringify(header) },
    })
    const port = await supervised.port()
    const before = await openFds(supervised)
    const [first = 0] = await pidsOf(supervised)
    const sockets = socketsOf(first)
    const lost = await connectAll(port)

    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await Promise.all(lost.map(({ closed }) => closed))
    const [warning] = await supervised.printed(/warning: closed 3 connections of .*/)
    expect(warning).toContain(seen)
    expect(warning).toContain("Restart once with drain: { idle: 'promise' }")
    await supervised.until(({ generations }) => generations.length === 1)

    // Between two processes of one version nothing is closed.
    const kept = await connectAll(port)
    // The requests came after the first process had ended, so the second one has closed the queue by now.
    const [second = 0] = await pidsOf(supervised)
    expect(socketsOf(second)).toBe(sockets + CLIENTS)
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await supervised.until(({ connections }) => connections.received === CLIENTS)
    for (const client of kept) {
      client.send(get('/'))
      await client.receive(/^HTTP\/1\.1 200 .*\r\n\r\n/s)
      client.close()
    }
    // The control connections of earlier requests close a moment after their answers. A leak would never close.
    await supervised.untilOpenFds(before)
    await expectStops(supervised)
  })
})
