import { describe, expect, it } from 'vitest'
import { FakeChild } from '../testing/fake-child.ts'
import { FakeClock, settle } from '../testing/fake-clock.ts'
import type { Place } from './child.ts'
import { type Outcome, Supervisor, type SupervisorOptions } from './supervisor.ts'
import { Worker } from './worker.ts'

interface Started {
  child: FakeChild
  place: Place
  spec: string
  worker: Worker
}

function setUp(changes: Partial<SupervisorOptions<string>> = {}) {
  const clock = new FakeClock()
  const started: Started[] = []
  const reports: string[] = []
  const outcomes: Outcome[] = []
  const supervisor = new Supervisor<string>({
    workers: 1,
    replace: 'one-by-one',
    retry: 'for-ever',
    clock,
    backOff: { first: 100, most: 400, reset: 5000 },
    prepare: async (generation) => `spec ${generation}`,
    launch(spec, place) {
      const child = new FakeChild(started.length + 1)
      const worker = new Worker(child, place, rules, clock)
      started.push({ child, place, spec, worker })
      return worker
    },
    report: (message) => reports.push(message),
    settled: (outcome) => outcomes.push(outcome),
    ...changes,
  })
  const child = (pid: number): FakeChild => (started[pid - 1] as Started).child
  const ready = async (...pids: number[]): Promise<void> => {
    await settle()
    for (const pid of pids) (started[pid - 1] as Started).worker.notified(new Map([['READY', '1']]))
    await clock.advance(rules.settle)
  }
  const serving = (): (number | undefined)[] =>
    supervisor.pool.slots.map(({ current }) => current?.pid)
  return { clock, started, reports, outcomes, supervisor, child, ready, serving }
}

const rules = {
  program: 'x',
  register: false,
  ready: { kind: 'notify' as const },
  readyTimeout: 1000,
  settle: 10,
  drainTimeout: 5000,
  watchdog: undefined,
}

async function running(changes: Partial<SupervisorOptions<string>> = {}) {
  const one = setUp(changes)
  const first = one.supervisor.reload()
  await settle()
  await one.ready(...one.started.map(({ child }) => child.pid))
  expect(await first).toMatchObject({ ok: true, generation: 1 })
  return one
}

describe('a reload', () => {
  it('drains the old process only when the new one is ready', async () => {
    const { supervisor, child, ready, serving, started } = await running()
    const reload = supervisor.reload()
    await settle()
    expect(started[1]).toMatchObject({ place: { generation: 2, worker: 1 }, spec: 'spec 2' })
    expect(child(1).signals).toEqual([])
    await ready(2)
    expect(await reload).toEqual({ ok: true, generation: 2, replaced: 1 })
    expect(child(1).signals).toEqual(['next', 'SIGTERM'])
    expect(serving()).toEqual([2])
  })

  it.each<[string, (one: Awaited<ReturnType<typeof running>>) => unknown, string]>([
    ['ends', ({ child }) => child(2).exit({ code: 1 }), 'ended'],
    ['hangs', ({ clock }) => clock.advance(1000), 'timeout'],
    ['cannot be executed', ({ child }) => child(2).exit({ code: 126 }), 'not-executable'],
    [
      'ends right after it was ready',
      ({ child, started }) => {
        started[1]?.worker.notified(new Map([['READY', '1']]))
        child(2).exit({ code: 1 })
      },
      'ended-after-ready',
    ],
  ])('that %s changes nothing', async (_, fail, kind) => {
    const one = await running()
    const reload = one.supervisor.reload()
    await settle()
    await fail(one)
    expect(await reload).toMatchObject({ ok: false, replaced: 0, failure: { kind } })
    expect(one.child(1).signals).toEqual([])
    expect(one.serving()).toEqual([1])
    expect(one.reports.at(-1)).toMatch(/^generation 2 failed: .*; the old one continues to serve$/)
    expect(one.outcomes.map(({ ok }) => ok)).toEqual([true, false])
  })

  it('whose files cannot be read starts no process', async () => {
    let fails = false
    const prepare = async (): Promise<string> => {
      if (fails) throw new Error('no such file')
      return ''
    }
    const { supervisor, started } = await running({ prepare })
    fails = true
    expect(await supervisor.reload()).toMatchObject({
      ok: false,
      failure: { kind: 'cannot-start', message: 'no such file' },
    })
    expect(started).toHaveLength(1)
  })

  it('runs once more for all reloads that are requested meanwhile', async () => {
    const { supervisor, ready, started } = await running()
    const first = supervisor.reload()
    const others = [supervisor.reload(), supervisor.reload(), supervisor.reload()]
    await ready(2)
    expect(await first).toMatchObject({ ok: true, generation: 2 })
    await ready(3)
    for (const other of others) expect(await other).toMatchObject({ ok: true, generation: 3 })
    expect(started).toHaveLength(3)
  })

  it('runs again after a reload that failed', async () => {
    const { supervisor, child, ready, serving } = await running()
    const failing = supervisor.reload()
    const next = supervisor.reload()
    await settle()
    child(2).exit({ code: 1 })
    expect((await failing).ok).toBe(false)
    await ready(3)
    expect(await next).toMatchObject({ ok: true, generation: 3 })
    expect(serving()).toEqual([3])
  })

  it('is stopped by a newer change', async () => {
    const { supervisor, child, ready, reports } = await running()
    const old = supervisor.reload()
    await settle()
    supervisor.supersede()
    const newer = supervisor.reload()
    expect(await old).toMatchObject({ ok: false, failure: { kind: 'stopped' } })
    expect(child(2).signals).toEqual(['SIGTERM'])
    expect(reports.at(-1)).toBe('generation 2 is stopped: a newer change came')
    await ready(3)
    expect(await newer).toMatchObject({ ok: true, generation: 3 })
  })

  it('waits while too many processes drain', async () => {
    const { supervisor, ready, child, started } = await running()
    for (let pid = 1; pid <= 10; pid += 1) {
      child(pid).obedient = false
      const reload = supervisor.reload()
      await ready(pid + 1)
      await reload
    }
    const reload = supervisor.reload()
    await settle()
    expect(started).toHaveLength(11)
    child(1).exit({ code: 0 })
    await ready()
    expect(started).toHaveLength(12)
    await ready(12)
    expect((await reload).ok).toBe(true)
  })
})

describe('several workers', () => {
  it('one by one: a worker is replaced after the one before it was', async () => {
    const { supervisor, ready, serving, started } = await running({ workers: 2 })
    const reload = supervisor.reload()
    await settle()
    expect(started).toHaveLength(3)
    await ready(3)
    expect(serving()).toEqual([3, 2])
    await ready(4)
    expect(await reload).toEqual({ ok: true, generation: 2, replaced: 2 })
    expect(serving()).toEqual([3, 4])
  })

  it('one by one: workers that were replaced stay when a later one fails', async () => {
    const { supervisor, ready, serving, child, reports } = await running({ workers: 2 })
    const reload = supervisor.reload()
    await ready(3)
    child(4).exit({ code: 1 })
    expect(await reload).toMatchObject({ ok: false, replaced: 1 })
    expect(serving()).toEqual([3, 2])
    expect(reports.at(-1)).toContain('1 of 2 workers are replaced')
  })

  it('all at once: no worker is replaced before all new ones are ready', async () => {
    const { supervisor, ready, serving } = await running({ workers: 2, replace: 'all-at-once' })
    const reload = supervisor.reload()
    await ready(3)
    expect(serving()).toEqual([1, 2])
    await ready(4)
    expect((await reload).ok).toBe(true)
    expect(serving()).toEqual([3, 4])
  })

  it('all at once: if one new worker fails, all of them are stopped', async () => {
    const { supervisor, ready, serving, child } = await running({
      workers: 2,
      replace: 'all-at-once',
    })
    const reload = supervisor.reload()
    await ready(3)
    child(4).exit({ code: 1 })
    expect(await reload).toMatchObject({ ok: false, replaced: 0 })
    expect(serving()).toEqual([1, 2])
    expect(child(3).signals).toEqual(['SIGTERM'])
  })

  it('all at once: a worker that was ready may have ended before the last one is ready', async () => {
    const { supervisor, ready, serving, child } = await running({
      workers: 2,
      replace: 'all-at-once',
    })
    const reload = supervisor.reload()
    await ready(3)
    child(3).exit({ code: 1 })
    await ready(4)
    expect(await reload).toMatchObject({ ok: false, failure: { kind: 'ended-after-ready' } })
    expect(serving()).toEqual([1, 2])
  })
})

describe('a process that crashes', () => {
  it('is started again at once, with the same settings', async () => {
    const { clock, child, ready, serving, started, supervisor } = await running()
    await clock.advance(6000)
    child(1).exit({ signal: 'SIGSEGV' })
    await clock.advance(0)
    expect(started[1]).toMatchObject({ place: { generation: 1 }, spec: 'spec 1' })
    await ready(2)
    expect(serving()).toEqual([2])
    expect(supervisor.pool.restarts).toBe(1)
  })

  it('again and again is started after longer and longer waits, up to a limit, and each wait is reported', async () => {
    const { clock, child, reports, started } = await running()
    child(1).exit({ code: 1 })
    for (const wait of [0, 100, 200, 400, 400]) {
      await settle()
      const { length } = started
      if (wait > 0) {
        await clock.advance(wait - 1)
        expect(started).toHaveLength(length)
        await clock.advance(1)
      } else await clock.advance(0)
      expect(started).toHaveLength(length + 1)
      child(length + 1).exit({ code: 1 })
    }
    await settle()
    expect(reports.at(-1)).toBe(
      'worker 1 has failed 6 times in a row; it is started again in 400 ms',
    )
  })

  it('again under --watch is started only after a change', async () => {
    const { clock, child, reports, started, supervisor, ready } = await running({ retry: 'once' })
    child(1).exit({ code: 1 })
    await clock.advance(0)
    child(2).exit({ code: 1 })
    await clock.advance(60_000)
    expect(started).toHaveLength(2)
    expect(reports.at(-1)).toBe('worker 1 has failed 2 times; waiting for a change')
    const reload = supervisor.reload()
    await ready(3)
    expect((await reload).ok).toBe(true)
  })

  it('reports STOPPING=1: the next process starts before it has ended', async () => {
    const { clock, started, serving, ready } = await running()
    started[0]?.worker.notified(new Map([['STOPPING', '1']]))
    await clock.advance(0)
    expect(started).toHaveLength(2)
    await ready(2)
    expect(serving()).toEqual([2])
    expect(started[0]?.child.signals).toEqual([])
  })

  it('in the middle of a reload that succeeds: nothing else starts', async () => {
    const { supervisor, child, ready, serving, started, clock } = await running()
    const reload = supervisor.reload()
    await settle()
    child(1).exit({ code: 1 })
    await clock.advance(0)
    await ready(2)
    expect((await reload).ok).toBe(true)
    await clock.advance(1000)
    expect(serving()).toEqual([2])
    expect(started).toHaveLength(2)
  })

  it('in the middle of a reload that fails: it is started again as it was', async () => {
    const { supervisor, child, ready, serving, started, clock } = await running()
    const reload = supervisor.reload()
    await settle()
    child(1).exit({ code: 1 })
    await settle()
    child(2).exit({ code: 1 })
    expect((await reload).ok).toBe(false)
    await clock.advance(0)
    expect(started[2]).toMatchObject({ spec: 'spec 1' })
    await ready(3)
    expect(serving()).toEqual([3])
  })

  it('and is being started again when a reload comes: the reload replaces that start', async () => {
    const { supervisor, child, ready, serving, clock } = await running()
    child(1).exit({ code: 1 })
    await clock.advance(0)
    const reload = supervisor.reload()
    await settle()
    expect(child(2).signals).toEqual(['SIGTERM'])
    await ready(3)
    expect((await reload).ok).toBe(true)
    await clock.advance(1000)
    expect(serving()).toEqual([3])
  })
})

describe('connections that went from one process to the next', () => {
  it('are counted as the processes report them, the last reports of ended processes included', async () => {
    const { supervisor, started, ready, child } = await running()
    const says = (pid: number, name: string, count: string): void =>
      started[pid - 1]?.worker.notified(new Map([[`X_SOCKET_PORT_${name}`, count]]))
    const { table } = supervisor.pool
    child(1).obedient = false
    const reload = supervisor.reload()
    await ready(2)
    await reload
    says(1, 'HANDED_OVER', '2')
    says(2, 'RECEIVED', '2')
    says(1, 'HANDED_OVER', '5')
    says(2, 'RECEIVED', 'all')
    says(1, 'CUT_WEB_SOCKETS', '3')
    const counts = { handedOver: { all: 5 }, received: { all: 2 }, cut: { webSockets: 3 } }
    expect(table.connections).toMatchObject(counts)
    child(1).exit({ code: 0 })
    await settle()
    expect(table.workers).toHaveLength(1)
    expect(table.connections).toMatchObject(counts)
  })
})

describe('stop', () => {
  it('in the middle of a reload ends every process, each with one signal, and announces no next process', async () => {
    const { supervisor, child, ready, started, clock } = await running()
    child(1).obedient = false
    const first = supervisor.reload()
    await ready(2)
    await first
    const second = supervisor.reload()
    await settle()
    const stopped = supervisor.pool.stop('SIGTERM')
    expect(await second).toMatchObject({ ok: false, failure: { kind: 'stopped' } })
    child(1).exit({ code: 0 })
    await stopped
    expect(started.map((one) => one.child.signals)).toEqual([
      ['next', 'SIGTERM'],
      ['SIGTERM'],
      ['SIGTERM'],
    ])
    await clock.advance(60_000)
    expect(started).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  it('cancels a pending retry', async () => {
    const { supervisor, child, clock, started } = await running()
    child(1).exit({ code: 1 })
    await settle()
    await supervisor.pool.stop('SIGTERM')
    await clock.advance(60_000)
    expect(started).toHaveLength(1)
  })

  it('a second stop ends them at once, a third by SIGKILL', async () => {
    const { supervisor, child } = await running()
    child(1).obedient = false
    void supervisor.pool.stop('SIGINT')
    void supervisor.pool.stop('SIGINT')
    expect(child(1).signals).toEqual(['SIGINT', 'SIGINT'])
    await supervisor.pool.stop('SIGINT')
    expect(child(1).signals).toEqual(['SIGINT', 'SIGINT', 'kill'])
    expect(supervisor.pool.table.killed).toBe(1)
  })

  it('works before the first process has started', async () => {
    const { supervisor, started } = setUp()
    const first = supervisor.reload()
    await supervisor.pool.stop('SIGTERM')
    expect(await first).toMatchObject({ ok: false, failure: { kind: 'stopped' } })
    expect(started).toHaveLength(0)
  })
})
