import { describe, expect, it } from 'vitest'
import { Worker } from '../supervisor/worker.ts'
import { WorkerPool } from '../supervisor/worker-pool.ts'
import { FakeChild } from '../testing/fake-child.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { runDefaults } from './options.ts'
import { Shutdown } from './shutdown.ts'

function setUp() {
  const clock = new FakeClock()
  const child = new FakeChild(1)
  const rules = { ...runDefaults, program: 'x' }
  const launch = (_: string, place: { generation: number; worker: number }): Worker =>
    new Worker(child, place, rules, clock)
  const pool = new WorkerPool<string>({
    workers: 1,
    retry: 'once',
    clock,
    launch,
    report: () => {},
  })
  const reports: string[] = []
  const report = (line: string): void => void reports.push(line)
  const shutdown = new Shutdown({ pool, report, stopping: () => report('stopping') })
  return { child, pool, reports, shutdown }
}

const start = (pool: WorkerPool<string>): void =>
  void pool.start(pool.slots[0] as (typeof pool.slots)[0], { generation: 1, spec: '' })

describe('the end', () => {
  it('is reported once, and comes when every process has ended', async () => {
    const { child, pool, shutdown, reports } = setUp()
    start(pool)
    child.obedient = false
    const first = shutdown.stop('SIGTERM')
    const second = shutdown.stop('SIGTERM')
    expect(child.signals).toEqual(['SIGTERM', 'SIGTERM'])
    child.exit({ code: 0 })
    expect(await Promise.all([first, second, shutdown.over])).toEqual([0, 0, 0])
    expect(reports).toEqual([
      'stops: 1 process drains',
      'stopping',
      'stopped: every process has ended',
    ])
  })

  it('has exit code 5 if a process had to be ended by SIGKILL', async () => {
    const { child, pool, shutdown } = setUp()
    start(pool)
    child.obedient = false
    for (let count = 0; count < 3; count += 1) void shutdown.stop('SIGTERM')
    expect(await shutdown.over).toBe(5)
  })

  it('says by 7 that somebody may not be signalled, and goes on', async () => {
    const { child, pool, shutdown, reports } = setUp()
    start(pool)
    child.obedient = false
    child.isForeign = true
    for (let count = 0; count < 3; count += 1) void shutdown.stop('SIGTERM')
    expect(await shutdown.over).toBe(7)
    expect(reports.at(-1)).toMatch(/or could not be ended$/)
  })

  it.each<[string, (child: FakeChild, pool: WorkerPool<string>) => void, number]>([
    [
      'has cut connections',
      (child, pool) => {
        pool.table.workers[0]?.notified(new Map([['X_SOCKET_PORT_CUT', '2']]))
        child.exit({ code: 0 })
      },
      7,
    ],
    ['ended with an error', (child) => child.exit({ code: 1 }), 7],
    ['crashed', (child) => child.exit({ signal: 'SIGSEGV' }), 7],
    ['ended as shells say it', (child) => child.exit({ code: 143 }), 0],
    ['ended by the signal', (child) => child.exit({ signal: 'SIGTERM' }), 0],
  ])('shows by its exit code a process that %s', async (_, end, code) => {
    const { child, pool, shutdown } = setUp()
    start(pool)
    child.obedient = false
    void shutdown.stop('SIGTERM')
    end(child, pool)
    expect(await shutdown.over).toBe(code)
  })

  it('has exit code 1 if the first start failed', async () => {
    const { shutdown, reports } = setUp()
    expect(await shutdown.fail()).toBe(1)
    expect(reports).toEqual(['stopping'])
  })
})
