import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { freePort } from '@socket-port/testkit/native'
import { requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import type { Supervised } from '@socket-port/testkit/supervised'
import { isRunning, untilGone } from '@socket-port/testkit/until-gone'
import { describe, expect, it } from 'vitest'
import {
  expectStops,
  newReleases,
  pidsOf,
  SERVER,
  start,
  startUpload,
  supervise,
  untilStatus,
  who,
} from './supervising.ts'

describe('the end', () => {
  it('stop drains, tells when all is over, and frees the name', async () => {
    const supervised = await start()
    const pids = await pidsOf(supervised)
    expect(await supervised.ask('stop')).toMatchObject({
      code: 0,
      stdout: 'every process has ended\n',
    })
    expect(await supervised.generation.exit).toMatchObject({ code: 0 })
    expect(pids.filter(isRunning)).toEqual([])
    expect((await supervised.ask('status')).code).toBe(3)
  })

  it.each<[string, (supervised: Supervised) => unknown]>([
    ['stop', (supervised) => supervised.ask('stop')],
    ['SIGTERM', ({ generation }) => generation.signal('SIGTERM')],
  ])(
    '%s: no next process follows, so new connections are served while it drains',
    async (_, stop) => {
      const supervised = await start()
      const port = await supervised.port()
      const { pid } = await who(port)
      const upload = await startUpload(port)
      const stopped = stop(supervised)
      await supervised.printed(/stops: 1 process drains/)
      // What it reports once its connections have been told apart.
      await untilStatus(supervised, /^draining: 1 request; \d+ s left$/)
      expect((await who(port)).pid).toBe(pid)
      upload.end('rest')
      await once(upload, 'close')
      await stopped
      expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
    },
  )

  it('a process that is replaced leaves new connections to the next one', async () => {
    const supervised = await start()
    const port = await supervised.port()
    const { pid } = await who(port)
    const upload = await startUpload(port)
    expect((await supervised.ask('reload')).code).toBe(0)
    const pids = Array.from({ length: 20 }, async () => (await who(port)).pid)
    expect(await Promise.all(pids)).not.toContain(pid)
    upload.end('rest')
    await once(upload, 'close')
    await expectStops(supervised)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    '%s in the middle of a reload leaves nothing',
    async (signal) => {
      const releases = newReleases()
      releases.deploy(`exec "${process.execPath}" "${SERVER}"`)
      const supervised = await start({ command: [releases.server] })
      releases.deploy(`MODE=hang exec "${process.execPath}" "${SERVER}"`)
      const reload = supervised.ask('reload')
      await supervised.printed(/generation 1 is ready/)
      const pids = await bothGenerations(supervised)
      process.kill(supervised.pid, signal)
      expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
      expect(pids.filter(isRunning)).toEqual([])
      expect(await reload).toMatchObject({ code: 1 })
    },
  )

  it('a process that does not end in time is ended, and the exit code says so', async () => {
    const args = ['--listen', '127.0.0.1:0', '--drain-timeout', '300', '--ready', 'log:up']
    const command = ['/bin/sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done']
    await expectStops(await start({ command, args }), 5)
  })

  it('SIGKILL of the supervisor leaves no process that serves', async () => {
    const supervised = await start({ args: ['--listen', '127.0.0.1:0', '--workers', '2'] })
    await supervised.printed(/generation 1, worker 2 is ready/)
    const pids = await pidsOf(supervised)
    expect(pids).toHaveLength(2)
    process.kill(supervised.pid, 'SIGKILL')
    for (const pid of pids) await untilGone(pid)
  })

  it('takes the place of one that was killed', async () => {
    const port = freePort('127.0.0.1')
    const args = ['--listen', `127.0.0.1:${port}`]
    const first = await start({ args })
    const [pid = 0] = await pidsOf(first)
    process.kill(first.pid, 'SIGKILL')
    await untilGone(pid)
    await expectStops(await start({ args }))
  })
})

async function bothGenerations(supervised: Supervised): Promise<number[]> {
  await supervised.until(({ generations }) => generations.length === 2)
  return pidsOf(supervised)
}

describe(...requireOrSkip('PID 1 of a container', rootSkipReason()), () => {
  it('collects what has lost its parent, and ends in order', async () => {
    const prefix = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
    // The subshell ends at once, so its child is the supervisor's; ended and not collected, it would
    // still be in /proc.
    const script = `orphan=$( (sleep 0.1 >&- & echo $!) ); [ -e /proc/$orphan ] && echo up
      while [ -e /proc/$orphan ]; do sleep 0.02; done; echo collected; exec sleep 60`
    const command = ['/bin/sh', '-c', script]
    const supervised = supervise({ command, prefix, args: ['--ready', 'log:up'] })
    await supervised.printed(/collected/)
    await supervised.printed(/generation 1 is ready/)
    const children = `/proc/${supervised.pid}/task/${supervised.pid}/children`
    process.kill(Number(readFileSync(children, 'utf8')), 'SIGTERM')
    expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
  })
})
