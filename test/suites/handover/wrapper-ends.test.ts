import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Supervised } from '@socket-port/testkit/supervised'
import { untilGone } from '@socket-port/testkit/until-gone'
import { describe, expect, it } from 'vitest'
import {
  afterTest,
  expectStops,
  finishUpload,
  SERVER,
  start,
  startUpload,
  who,
} from '../cli/supervising.ts'

// What becomes of a server below a wrapper when one of the three ends: the server, the wrapper, or socket-port run.

/** A wrapper that ends with its server, and passes no signal on. */
const WRAPPER = ['/bin/sh', '-c', '"$0" "$@"; exit $?', process.execPath, SERVER] as const

async function pids(supervised: Supervised): Promise<{ server: number; wrapper: number }> {
  const { pid: server } = await who(await supervised.port())
  const [, , , parent] = readFileSync(`/proc/${server}/stat`, 'utf8').split(' ')
  return { server, wrapper: Number(parent) }
}

describe('a server below a wrapper', () => {
  it('whose wrapper is killed drains, and another one follows at once', async () => {
    const supervised = await start({ command: WRAPPER })
    const { server, wrapper } = await pids(supervised)
    const upload = await startUpload(await supervised.port())
    process.kill(wrapper, 'SIGKILL')
    await supervised.printed(/stopped unexpectedly: the program that has started it has ended/)
    await supervised.until(({ generations }) =>
      generations.some(({ workers }) =>
        workers.some(({ state, pid }) => state === 'ready' && pid !== server),
      ),
    )
    // Until its last request is answered, the old one accepts too.
    expect(await finishUpload(upload)).toContain('rest')
    await untilGone(server)
    expect((await who(await supervised.port())).pid).not.toBe(server)
    await expectStops(supervised)
    expect(supervised.generation.output).not.toMatch(/after SIGTERM/)
  })

  it('drains when socket-port run is killed', async () => {
    const supervised = await start({ command: WRAPPER })
    const { server, wrapper } = await pids(supervised)
    const upload = await startUpload(await supervised.port())
    process.kill(supervised.pid, 'SIGKILL')
    expect(await finishUpload(upload)).toContain('rest')
    await Promise.all([server, wrapper].map(untilGone))
  })

  it('that crashes below a wrapper that waits: new connections wait for the next server', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-asking-'))
    afterTest(() => rmSync(folder, { recursive: true }))
    const change = join(folder, 'change')
    // As `node --watch` does, it waits for a change.
    const script = 'c=$1; shift; "$@"; echo crashed; while [ ! -e "$c" ]; do sleep 0.01; done; "$@"'
    const command = ['/bin/sh', '-c', script, 'sh', change, process.execPath, SERVER] as const
    const supervised = await start({ command })
    const port = await supervised.port()
    const { server } = await pids(supervised)
    await expect(fetch(`http://127.0.0.1:${port}/crash`)).rejects.toThrow()
    await supervised.printed(
      /process \d+, which served below process \d+, has ended, and process \d+ goes on/,
    )
    expect(supervised.generation.output).toContain(`process ${server}, which served`)
    const answered = who(port)
    writeFileSync(change, '')
    const { pid } = await answered
    await supervised.printed(new RegExp(`process ${pid} serves now, below process`))
    const { generations, restarts } = await supervised.status()
    expect(generations[0]?.workers[0]).toMatchObject({ pid, state: 'ready' })
    expect(restarts).toBe(0)
    await expectStops(supervised)
  })
})
