import { describe, expect, it } from 'vitest'
import { FakeChild } from '../testing/fake-child.ts'
import { FakeClock, settle } from '../testing/fake-clock.ts'
import type { ServerProcess } from './child.ts'
import { ProcessTable } from './process-table.ts'
import { Worker } from './worker.ts'

const WEB = 100n
const ADMIN = 200n

function setUp() {
  const clock = new FakeClock()
  const child = new FakeChild(7)
  const worker = new Worker(
    child,
    { generation: 1, worker: 1 },
    {
      program: '"npm"',
      register: false,
      ready: { kind: 'notify' },
      readyTimeout: 1000,
      settle: 0,
      drainTimeout: 5000,
      watchdog: undefined,
    },
    clock,
  )
  const seen: { outcome?: unknown; retired?: true } = {}
  void worker.milestones.started.then((failure) => {
    seen.outcome = failure ?? 'ready'
  })
  void worker.milestones.retired.then(() => {
    seen.retired = true
  })
  const running = new Set<number>()
  const join = (pid: number, socket = WEB): unknown => {
    running.add(pid)
    const server: ServerProcess = {
      pid,
      get isRunning() {
        return running.has(pid)
      },
      signal() {},
      close() {},
    }
    return worker.join(server, socket)
  }
  const end = (pid: number): void => {
    running.delete(pid)
    child.servers.splice(child.servers.indexOf(pid), 1)
    worker.serverEnded(pid)
  }
  const say = (pid: number, text: string): void =>
    worker.notified(
      new Map(text.split('\n').map((line) => line.split('=') as [string, string])),
      pid,
    )
  return { clock, child, worker, seen, running, join, end, say }
}

describe('a process below the started one', () => {
  it('sends notifications for the worker when it was given a socket', async () => {
    const { clock, worker, seen, join, say } = setUp()
    const table = new ProcessTable()
    table.add(worker)
    expect([worker.pid, table.byPid(8), table.byPid(7)]).toEqual([7, undefined, worker])
    expect(join(8)).toMatchObject({ fds: [] })
    expect([worker.pid, worker.startedPid]).toEqual([8, 7])
    expect([table.byPid(8), table.byStartedPid(8), table.byStartedPid(7)]).toEqual([
      worker,
      undefined,
      worker,
    ])
    say(8, 'READY=1')
    await clock.advance(0)
    expect(seen.outcome).toBe('ready')
  })

  it('is ready when every server below the started process is', async () => {
    const { clock, worker, join, say } = setUp()
    join(8, WEB)
    join(9, ADMIN)
    say(8, 'READY=1')
    await clock.advance(0)
    expect(worker.state).toBe('starting')
    say(9, 'READY=1')
    await clock.advance(0)
    expect(worker.state).toBe('ready')
  })

  it('is given the socket of one that stops or has ended, and not of one that serves', () => {
    const { running, join, say } = setUp()
    join(8)
    expect(join(9)).toBe('process 8 serves it already')
    // Another socket of the same process, and the same one again.
    expect(join(8, ADMIN)).toMatchObject({ fds: [] })
    expect(join(8)).toMatchObject({ fds: [] })
    say(8, 'STOPPING=1')
    expect(join(9)).toMatchObject({ fds: [] })
    // Nothing has told yet that it has ended.
    running.delete(9)
    expect(join(10)).toMatchObject({ fds: [] })
  })

  it('is given nothing when the started process serves itself, or is told to stop', async () => {
    const direct = setUp()
    direct.say(7, 'READY=1')
    expect(direct.join(8)).toBe('process 7 serves it already')
    const stopped = setUp()
    stopped.child.obedient = false
    stopped.worker.stop()
    expect(stopped.join(8)).toBe('generation 1 is being stopped')
  })

  it('may stop and be replaced by another without a failure of the worker', async () => {
    const { clock, child, worker, seen, join, end, say } = setUp()
    join(8)
    say(8, 'READY=1\nX_SOCKET_PORT_RECEIVES=1')
    await clock.advance(0)
    say(8, 'STOPPING=1\nX_SOCKET_PORT_HANDED_OVER=5')
    expect(worker.state).toBe('ready')
    // Its connections wait for the next one.
    expect(worker.keep([3, 4], 8)).toBe(true)
    end(8)
    expect([worker.pid, worker.state]).toEqual([7, 'ready'])
    join(9)
    expect(worker.pass([5, 6])).toBe(false)
    say(9, 'X_SOCKET_PORT_RECEIVES=1')
    expect(child.passed).toEqual([[3, 4]])
    // A queue goes to the process that has the same socket, of a process that is not known to the only one.
    expect(worker.pass([5, 6], new Set([ADMIN]))).toBe(false)
    expect(worker.pass([5, 6], worker.socketsOf(9))).toBe(true)
    expect(worker.pass([7, 8], undefined)).toBe(true)
    expect(child.passed.slice(1)).toEqual([
      [5, 6],
      [7, 8],
    ])
    say(9, 'READY=1\nX_SOCKET_PORT_RECEIVED=5')
    say(9, 'X_SOCKET_PORT_HANDED_OVER=2')
    expect(worker.reported.connections).toMatchObject({
      received: { all: 5 },
      handedOver: { all: 7 },
    })
    expect(seen).toEqual({ outcome: 'ready' })
  })

  it('stops serving for good only when the worker is told to stop', async () => {
    const { child, worker, seen, join, say } = setUp()
    child.obedient = false
    join(8)
    join(9, ADMIN)
    worker.stop()
    expect(worker.keep([3, 4], 8)).toBe(false)
    say(8, 'STOPPING=1')
    await settle()
    expect(seen.retired).toBeUndefined()
    say(9, 'STOPPING=1')
    await settle()
    expect(seen.retired).toBe(true)
  })

  it('that ends before it is ready is named in the failure when the ready time-out is over', async () => {
    const { clock, seen, join, end } = setUp()
    join(8)
    end(8)
    await clock.advance(1000)
    expect(seen.outcome).toMatchObject({
      message: expect.stringMatching(
        /^process 7 was not ready after 1000 ms \(--ready-timeout\): process 8 below it had got a socket, and has ended/,
      ),
    })
  })

  it('keeps its connections if it was not given a socket', () => {
    const { worker } = setUp()
    expect(worker.keep([3, 4], 7)).toBe(false)
    expect(worker.keep([3, 4], undefined)).toBe(false)
  })

  it('drains when the started process has ended', async () => {
    const { clock, worker, join, say } = setUp()
    join(8)
    say(8, 'READY=1')
    await clock.advance(0)
    worker.abandoned()
    expect(worker).toMatchObject({
      state: 'draining',
      leaveReason: 'the program that has started it has ended, so it drains',
    })
  })
})
