import { describe, expect, it } from 'vitest'
import { FakeChild } from '../testing/fake-child.ts'
import { FakeClock, settle } from '../testing/fake-clock.ts'
import type { Readiness, WorkerRules } from './rules.ts'
import { Worker } from './worker.ts'

const rules: WorkerRules = {
  program: '"node"',
  register: false,
  ready: { kind: 'notify' },
  readyTimeout: 1000,
  settle: 100,
  drainTimeout: 5000,
  watchdog: 400,
}

function start(changes: Partial<WorkerRules> = {}) {
  const clock = new FakeClock()
  const child = new FakeChild(7)
  const worker = new Worker(child, { generation: 1, worker: 1 }, { ...rules, ...changes }, clock)
  const seen: { outcome?: unknown; left?: boolean } = {}
  void worker.milestones.started.then((failure) => {
    seen.outcome = failure ?? 'ready'
  })
  void worker.milestones.left.then(() => {
    seen.left = true
  })
  const say = (...pairs: [string, string][]): void => worker.notified(new Map(pairs))
  return { clock, child, worker, seen, say }
}

describe('readiness', () => {
  it('notify: READY=1, and then it must stay up for a moment', async () => {
    const { clock, worker, seen, say } = start()
    await clock.advance(50)
    say(['READY', '1'])
    expect(worker.state).toBe('settling')
    await clock.advance(99)
    expect(seen.outcome).toBeUndefined()
    await clock.advance(1)
    expect(seen.outcome).toBe('ready')
    expect(worker).toMatchObject({ state: 'ready', readyAt: 50 })
    expect(clock.pending).toBe(0)
  })

  it.each<[string, Readiness, (it: ReturnType<typeof start>) => Promise<void> | void]>([
    ['log', { kind: 'log', pattern: /up on \d+/ }, ({ worker }) => worker.printed('up on 80')],
    ['delay', { kind: 'delay', ms: 300 }, ({ clock }) => clock.advance(200)],
    [
      'port',
      { kind: 'port' },
      ({ clock, child }) => {
        child.accepting = true
        return clock.advance(20)
      },
    ],
  ])('%s', async (_, ready, act) => {
    const one = start({ ready })
    one.worker.printed('starting')
    one.say(['READY', '1'])
    await one.clock.advance(100)
    expect(one.worker.state).toBe('starting')
    await act(one)
    expect(one.worker.state).toBe('settling')
  })

  it('counts at once without --settle', async () => {
    const { clock, say, seen } = start({ settle: 0 })
    say(['READY', '1'])
    await clock.advance(0)
    expect(seen.outcome).toBe('ready')
  })
})

describe('a process that does not become ready', () => {
  it.each<[string, (it: ReturnType<typeof start>) => unknown, object]>([
    [
      'ends',
      ({ child }) => child.exit({ code: 3 }),
      {
        kind: 'ended',
        message: expect.stringMatching(
          /^process 7 ended before it was ready, 0 ms .*: exit code 3$/,
        ),
      },
    ],
    [
      'is killed',
      ({ child }) => child.exit({ signal: 'SIGSEGV' }),
      { kind: 'ended', message: expect.stringMatching(/: SIGSEGV$/) },
    ],
    [
      'ends right after',
      ({ child, say }) => {
        say(['READY', '1'])
        child.exit({ code: 1 })
      },
      {
        kind: 'ended-after-ready',
        message: expect.stringContaining('right after it became ready'),
      },
    ],
    [
      'is not found',
      ({ child }) => child.exit({ code: 127 }),
      {
        kind: 'not-found',
        message: '"node" was not found (exit code 127); check the command and PATH',
      },
    ],
    [
      'may not be executed',
      ({ child }) => child.exit({ code: 126 }),
      { kind: 'not-executable', message: expect.stringContaining('cannot be executed') },
    ],
    [
      'was never there',
      ({ child }) => child.exit({ error: 'spawn /bin/sh ENOENT' }),
      { kind: 'cannot-start', message: expect.stringContaining('spawn /bin/sh ENOENT') },
    ],
    [
      'says nothing',
      ({ clock }) => clock.advance(1000),
      { kind: 'timeout', message: expect.stringMatching(/not ready after 1000 ms.*--ready port/) },
    ],
    [
      'lets another process speak',
      ({ clock, worker }) => {
        worker.reported.noteForeignPid(8)
        return clock.advance(1000)
      },
      {
        kind: 'timeout',
        message: expect.stringMatching(/READY=1 came from process 8.*--notify-access all/),
      },
    ],
    [
      'speaks of other things',
      ({ clock, say }) => {
        say(['STATUS', 'booting'])
        return clock.advance(1000)
      },
      { kind: 'timeout', message: expect.stringContaining('has not sent READY=1') },
    ],
    ['is stopped', ({ worker }) => worker.stop(), { kind: 'stopped' }],
    ['leaves', ({ say }) => say(['STOPPING', '1']), { kind: 'ended' }],
  ])('%s', async (_, act, failure) => {
    const one = start()
    one.child.output = 'last words'
    await act(one)
    await settle()
    expect(one.seen.outcome).toMatchObject({ ...failure, output: 'last words' })
    expect(one.seen.left).toBe(true)
  })

  it.each([
    [
      'proposes --register',
      false,
      /opens a port of --listen itself.* socket-port run --register\. /,
    ],
    ['does not propose it again', true, /that the preload does not reach.* --workers N$/],
  ])('that opens the kept port itself %s', async (_, register, message) => {
    const { seen, child } = start({ register })
    child.output = 'Error: listen EADDRINUSE: address already in use :::8080'
    child.exit({ code: 1 })
    await settle()
    expect(seen.outcome).toMatchObject({ message: expect.stringMatching(message) })
  })

  it.each([
    [false, /A Node program .* needs socket-port run --register/],
    [true, /ask for that address.*SOCKET_PORT_REGISTER_TAKE=first/],
  ])('that says nothing, with --register %s', async (register, message) => {
    const { seen, clock } = start({ register })
    await clock.advance(1000)
    expect(seen.outcome).toMatchObject({ message: expect.stringMatching(message) })
  })

  it('is drained, not killed: it may have taken connections', async () => {
    const { clock, child } = start()
    child.obedient = false
    await clock.advance(1000)
    expect(child.signals).toEqual(['SIGTERM'])
    await clock.advance(5000)
    expect(child.signals).toEqual(['SIGTERM', 'kill'])
  })

  it('has more time if it asks for it', async () => {
    const { clock, say, seen } = start()
    await clock.advance(900)
    say(['EXTEND_TIMEOUT_USEC', '500000'])
    await clock.advance(499)
    expect(seen.outcome).toBeUndefined()
    await clock.advance(1)
    expect(seen.outcome).toMatchObject({ kind: 'timeout' })
  })

  it('never has less time than --ready-timeout', async () => {
    const { clock, say, seen } = start()
    say(['EXTEND_TIMEOUT_USEC', '1'])
    await clock.advance(999)
    expect(seen.outcome).toBeUndefined()
  })
})

describe('the end', () => {
  async function ready(changes: Partial<WorkerRules> = {}) {
    const one = start(changes)
    one.say(['READY', '1'])
    await one.clock.advance(100)
    return one
  }

  it('one signal, then SIGKILL when the drain takes too long', async () => {
    const { clock, child, worker } = await ready()
    child.obedient = false
    worker.stop()
    worker.stop()
    await clock.advance(4999)
    expect(child.signals).toEqual(['SIGTERM'])
    await clock.advance(1)
    expect(child.signals).toEqual(['SIGTERM', 'kill'])
    expect(worker).toMatchObject({ killed: true, state: 'gone' })
  })

  it('in time: no timer is left', async () => {
    const { clock, child, worker } = await ready()
    worker.stop('SIGINT')
    await settle()
    expect(child.signals).toEqual(['SIGINT'])
    expect(worker).toMatchObject({ killed: false, state: 'gone' })
    expect(clock.pending).toBe(0)
  })

  it.each<[string, (it: Awaited<ReturnType<typeof ready>>) => unknown]>([
    ['when it says so', ({ say }) => say(['STOPPING', '1'])],
    ['when it is gone', ({ child }) => child.exit({ code: 0 })],
    ['after a moment', ({ clock }) => clock.advance(1000)],
  ])('takes no connection any more %s', async (_, act) => {
    const one = await ready()
    one.child.obedient = false
    let retired = false
    void one.worker.milestones.retired.then(() => {
      retired = true
    })
    one.worker.stop()
    await one.clock.advance(999)
    expect(retired).toBe(false)
    await act(one)
    await settle()
    expect(retired).toBe(true)
  })

  it('at once: the signal again, and SIGKILL a second later', async () => {
    const { clock, child, worker } = await ready()
    child.obedient = false
    worker.stop()
    worker.hurry('SIGTERM')
    expect(child.signals).toEqual(['SIGTERM', 'SIGTERM'])
    await clock.advance(1000)
    expect(child.signals).toEqual(['SIGTERM', 'SIGTERM', 'kill'])
  })

  it('by itself, after STOPPING=1: it gets no signal', async () => {
    const { child, worker, seen, say } = await ready()
    say(['STOPPING', '1'])
    await settle()
    expect(worker.state).toBe('draining')
    expect(seen.left).toBe(true)
    expect(child.signals).toEqual([])
  })

  it('by the watchdog, if it has sent WATCHDOG=1 before', async () => {
    const { clock, child, worker, say } = await ready()
    await clock.advance(10_000)
    expect(worker.state).toBe('ready')
    say(['WATCHDOG', '1'])
    await clock.advance(399)
    say(['WATCHDOG', '1'])
    await clock.advance(399)
    expect(worker.state).toBe('ready')
    child.obedient = false
    await clock.advance(1)
    expect(child.signals).toEqual(['SIGABRT'])
    await clock.advance(1000)
    expect(child.signals).toEqual(['SIGABRT', 'kill'])
  })

  it('by WATCHDOG=trigger', async () => {
    const { child, say } = await ready({ watchdog: undefined })
    say(['WATCHDOG', 'trigger'])
    expect(child.signals).toEqual(['SIGABRT'])
  })
})
