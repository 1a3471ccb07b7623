import { untilGone } from '@socket-port/testkit/until-gone'
import { describe, expect, it } from 'vitest'
import {
  expectNothingLost,
  expectStops,
  newReleases,
  SERVER,
  start,
  supervise,
  underLoad,
  who,
} from './supervising.ts'

describe('a generation that fails', () => {
  const run = `exec "${process.execPath}" "${SERVER}"`
  const CASES: [string, string | undefined, number, RegExp][] = [
    [
      'ends before it is ready',
      `MODE=fail ${run}`,
      0o755,
      /ended before it was ready.*exit code 1[\s\S]*\| .*no such table: users/,
    ],
    [
      'ends right after',
      `MODE=leave ${run}`,
      0o755,
      /ended (right after it became|before it was) ready.*exit code 9/,
    ],
    ['hangs', `MODE=hang ${run}`, 0o755, /was not ready after \d{4,} ms.*has not sent READY=1/],
    ['is killed', 'kill -KILL $$', 0o755, /SIGKILL/],
    ['may not be executed', run, 0o644, /cannot be executed/],
    ['is not there', undefined, 0, /was not found/],
    [
      'lets a child of its speak, which has not asked',
      `unset SOCKET_PORT_ASK; "${process.execPath}" "${SERVER}"`,
      0o755,
      /READY=1 came from process \d+.*--notify-access all/,
    ],
  ]

  it('of each kind under load: 0 failed, the old one continues to serve, and the command says why', async () => {
    const releases = newReleases()
    releases.deploy(run)
    const args = ['--listen', '127.0.0.1:0', '--ready-timeout', '3000']
    const env = { INHERIT: 'prefer' }
    const supervised = await start({ command: [releases.server], args, env })
    const port = await supervised.port()
    const { pid } = await who(port)
    const result = await underLoad(port, async () => {
      for (const [, script, mode, message] of CASES) {
        releases.deploy(script, mode)
        const { code, stderr } = await supervised.ask('reload')
        expect(code).toBe(1)
        expect(stderr).toMatch(message)
        expect((await who(port)).pid).toBe(pid)
      }
      releases.deploy(run)
      expect((await supervised.ask('reload')).code).toBe(0)
      await untilGone(pid)
      expect((await who(port)).pid).not.toBe(pid)
    })
    expectNothingLost(result)
    expect(await supervised.status()).toMatchObject({
      reloads: { succeeded: 1, failed: CASES.length },
    })
    await expectStops(supervised)
  })

  it('the first of all ends the command, with what is wrong', async () => {
    const supervised = supervise({ env: { MODE: 'fail' } })
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    expect(supervised.generation.output).toMatch(
      /no such table: users[\s\S]*ended before it was ready/,
    )
  })

  it('again and again after it was ready: longer and longer waits, told plainly', async () => {
    const supervised = await start()
    const port = await supervised.port()
    for (const failures of [2, 3, 4]) {
      await expect(fetch(`http://127.0.0.1:${port}/crash`)).rejects.toThrow()
      if (failures === 2) continue
      const waits = `failed ${failures - 1} times in a row; it is started again in \\d+ ms`
      await supervised.printed(new RegExp(waits))
    }
    expect((await who(port)).generation).toBe('1')
    expect((await supervised.status()).restarts).toBe(3)
    expect(supervised.generation.output).toContain('stopped unexpectedly: exit code 7')
  })
})
