import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireOrSkip, unixSkipReason } from '@socket-port/testkit/requirements'
import type { Supervised } from '@socket-port/testkit/supervised'
import { describe, expect, it } from 'vitest'
import { afterTest, expectStops, fixture, start } from './supervising.ts'

// A socket still listens after its path was removed, but no client can find it.

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-path-'))
  afterTest(() => rmSync(directory, { recursive: true }))
  return join(directory, 'app.sock')
}

const problemsOf = async (supervised: Supervised): Promise<unknown> => {
  const { stdout } = await supervised.ask('status', '--json')
  return JSON.parse(stdout).sockets.map(({ problem }: { problem: unknown }) => problem)
}

/** What a client of the path gets: the answer, or the code of its error. */
const served = (socketPath: string): Promise<string> =>
  new Promise((resolve) => {
    get({ socketPath, agent: false }, (response) =>
      response.setEncoding('utf8').on('data', resolve),
    ).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })

describe(...requireOrSkip('the path of a unix socket', unixSkipReason()), () => {
  it('that the program removes before it listens is missed, and the repair is told', async () => {
    const path = newPath()
    const supervised = await start({
      args: ['-l', '127.0.0.1:0', '-l', `unix:${path}`],
      env: { PATH_OF_SOCKET: path },
      command: [process.execPath, fixture('cli-unlink.mjs')],
    })
    const [warning] = await supervised.printed(/^.*warning: .*app\.sock has been removed.*$/m)
    expect(warning).toContain('clients get ENOENT')
    expect(warning).toMatch(
      /must not remove .*remove that from the program, then stop .* start it again/,
    )
    expect(await served(path)).toBe('ENOENT')
    expect(await problemsOf(supervised)).toEqual([null, 'path-gone'])
    expect((await supervised.ask('status')).stdout).toContain(
      `unix:${path}, its path has been removed: no client can find it\n`,
    )
    await expectStops(supervised)
  })

  it('at which the program binds a socket of its own is seen as another', async () => {
    const path = newPath()
    const supervised = await start({
      args: ['-l', `unix:${path}`],
      env: { PATH_OF_SOCKET: path, INHERIT: 'never' },
      command: [process.execPath, fixture('cli-unlink.mjs')],
    })
    await supervised.printed(/warning: another file has replaced .*app\.sock: clients do not reach/)
    expect(await served(path)).toBe('served')
    expect(await problemsOf(supervised)).toEqual(['path-replaced'])
  })

  it('that somebody removes or replaces later is missed at the next look, once', async () => {
    const path = newPath()
    const supervised = await start({ args: ['-l', `unix:${path}`] })
    expect(await problemsOf(supervised)).toEqual([null])
    rmSync(path)
    expect(await problemsOf(supervised)).toEqual(['path-gone'])
    expect(await problemsOf(supervised)).toEqual(['path-gone'])
    writeFileSync(path, '')
    expect(await problemsOf(supervised)).toEqual(['path-replaced'])
    await supervised.printed(/another file has replaced/)
    expect(supervised.generation.output.match(/has been removed/g)).toHaveLength(1)
  })

  it('that is abstract is no file', async () => {
    const supervised = await start({ args: ['-l', `unix:@socket-port-paths-${process.pid}`] })
    expect(await problemsOf(supervised)).toEqual([null])
  })
})
