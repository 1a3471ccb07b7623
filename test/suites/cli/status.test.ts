import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PRIVATE_RUN, socketPort } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { expect, it } from 'vitest'
import { afterTest, expectStops, newReleases, SERVER, start, supervise } from './supervising.ts'

const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const NUMBER = expect.any(Number)

it('status --json tells all of a run that has been reloaded, with success and without', async () => {
  const releases = newReleases()
  const run = `exec "${process.execPath}" "${SERVER}"`
  releases.deploy(run)
  const port = freePort('127.0.0.1')
  const unix = `unix:${releases.directory}/app.sock`
  const sockets = ['--listen', `web=127.0.0.1:${port}`, '--listen', unix]
  const args = [...sockets, '--workers', '2', '--name', 'shop']
  const supervised = await start({
    command: [releases.server],
    args,
    env: { PORT: String(port) },
  })
  await supervised.printed(/generation 1, worker 2 is ready/)
  expect((await supervised.ask('reload')).code).toBe(0)
  releases.deploy(`MODE=fail ${run}`)
  expect((await supervised.ask('reload', '--name', 'shop')).code).toBe(1)

  const { code, stdout, stderr } = await supervised.ask('status', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const worker = (number: number) => ({
    worker: number,
    pid: NUMBER,
    state: 'ready',
    startedAt: DATE,
    uptime: NUMBER,
    readyAfter: NUMBER,
    status: `listening on http://127.0.0.1:${port}`,
    received: 0,
    handedOver: 0,
  })
  const status = JSON.parse(stdout)
  expect(status).toEqual({
    name: 'shop',
    pid: supervised.pid,
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    state: 'running',
    command: [releases.server],
    startedAt: DATE,
    uptime: NUMBER,
    sockets: [
      { name: 'web', address: `127.0.0.1:${port}`, inherited: false, problem: null },
      { name: 'unknown', address: unix, inherited: false, problem: null },
    ],
    // Those of the generation that failed, and of the one before, are gone by now or drain.
    generations: expect.arrayContaining([{ number: 2, workers: [worker(1), worker(2)] }]),
    reloads: {
      succeeded: 1,
      failed: 1,
      last: { at: DATE, ok: false, reason: expect.stringContaining('ended before it was ready') },
    },
    connections: { handedOver: 0, received: 0, webSockets: 0, eventStreams: 0, tunnels: 0, cut: 0 },
    restarts: 0,
    stored: [],
  })
  expect((await supervised.ask('status')).stdout).toMatch(
    /^shop is running, process \d+, up [\s\S]*1 succeeded, 1 failed[\s\S]*^generation 2\n {2}worker 1 {2}pid \d+ {2}ready/m,
  )
  await expectStops(supervised)
})

it('several of one user are told apart by their names, and a name is taken once', async () => {
  const runtime = mkdtempSync(join(tmpdir(), 'socket-port-names-'))
  afterTest(() => rmSync(runtime, { recursive: true }))
  const env = { XDG_RUNTIME_DIR: runtime }
  const alone = { env: { ...env, TMPDIR: runtime }, prefix: PRIVATE_RUN }
  const args = (name: string): string[] => ['--listen', '127.0.0.1:0', '--name', name]
  const [shop, blog] = [
    await start({ args: args('shop'), env }),
    await start({ args: args('blog'), env }),
  ]
  const list = await socketPort(['status'], alone)
  expect(list).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^blog {2}running, process .*\nshop {2}running, process .*\n$/),
  })
  const both = await socketPort(['status', '--json'], alone)
  expect(JSON.parse(both.stdout)).toMatchObject([
    { name: 'blog', pid: blog.pid },
    { name: 'shop', pid: shop.pid },
  ])
  const undecided = await socketPort(['reload'], alone)
  expect(undecided).toMatchObject({ code: 2, stdout: '' })
  expect(undecided.stderr).toContain('several socket-port run answer: blog, shop')

  const again = supervise({ args: args('shop'), env })
  expect(await again.generation.exit).toMatchObject({ code: 4 })
  expect(again.generation.output).toContain('another socket-port run answers on')

  expect(await socketPort(['stop', '--name', 'shop'], alone)).toMatchObject({ code: 0 })
  expect(await shop.generation.exit).toMatchObject({ code: 0 })
  const { stdout } = await socketPort(['status', '--json'], alone)
  expect(JSON.parse(stdout)).toMatchObject({ name: 'blog', pid: blog.pid })
})

it('ends with 4 where the socket cannot be opened', async () => {
  const holder = createServer()
  afterTest(() => holder.close())
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as { port: number }
  const supervised = supervise({ args: ['--listen', `127.0.0.1:${port}`] })
  expect(await supervised.generation.exit).toMatchObject({ code: 4 })
  expect(supervised.generation.output).toMatch(/^socket-port: error: .*EADDRINUSE/m)
})
