import { untilGone } from '@socket-port/testkit/until-gone'
import { expect, it } from 'vitest'
import { expectStops, newReleases, SERVER, start, who } from './supervising.ts'

it('run prints one line for a reload without trouble, and for one that fails one line that says why', async () => {
  const releases = newReleases()
  const run = `exec "${process.execPath}" "${SERVER}"`
  releases.deploy(run)
  const supervised = await start({ command: [releases.server], env: { INHERIT: 'prefer' } })
  const { pid } = await who(await supervised.port())
  expect((await supervised.ask('reload')).code).toBe(0)
  await untilGone(pid)
  releases.deploy(`MODE=fail ${run}`)
  expect((await supervised.ask('reload')).code).toBe(1)
  await expectStops(supervised)
  // The error of the program itself is repeated behind a bar.
  const lines = supervised.generation.output.split('\n')
  expect(lines.filter((line) => line.startsWith('socket-port: '))).toEqual([
    expect.stringMatching(/^socket-port: keeps 127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^socket-port: generation 1 is ready after \d+ ms$/),
    expect.stringMatching(
      new RegExp(`^socket-port: generation 2 is ready after \\d+ ms; process ${pid} drains$`),
    ),
    expect.stringMatching(
      /^socket-port: generation 3 failed: .*ended before it was ready.*exit code 1/,
    ),
    'socket-port: stops: 1 process drains',
    'socket-port: stopped: every process has ended',
  ])
})
