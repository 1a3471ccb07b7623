import { describe, expect, it } from 'vitest'
import { runDefaults } from '../run/options.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { Worker } from '../supervisor/worker.ts'
import { FakeChild } from '../testing/fake-child.ts'
import { FakeClock, settle } from '../testing/fake-clock.ts'
import { RunMetrics } from './run-metrics.ts'

interface Started {
  child: FakeChild
  worker: Worker
}

function setUp(workers = 1) {
  const clock = new FakeClock()
  const all: Started[] = []
  const rules = { ...runDefaults, program: 'x' }
  const supervisor: Supervisor<string> = new Supervisor<string>({
    workers,
    replace: 'all-at-once',
    retry: 'for-ever',
    clock,
    prepare: async () => '',
    launch(_, place) {
      const child = new FakeChild(all.length + 1)
      const worker = new Worker(child, place, rules, clock)
      all.push({ child, worker })
      metrics.started(worker)
      return worker
    },
    report: () => {},
    settled: (outcome) => metrics.settled(outcome),
  })
  const metrics = new RunMetrics({ supervisor, version: '1.2.3' }, () => clock.now())
  const started = (pid: number): Started => all[pid - 1] as Started
  const say = (pid: number, field: string, value: number | string): void =>
    started(pid).worker.notified(new Map([[field, String(value)]]))
  return {
    clock,
    supervisor,
    metrics,
    child: (pid: number) => started(pid).child,
    say,
    /** Starts a generation, whose processes are ready after `ms`. */
    async generation(pids: readonly number[], ms = 400): Promise<void> {
      const reload = supervisor.reload()
      await settle()
      await clock.advance(ms)
      for (const pid of pids) say(pid, 'READY', 1)
      await clock.advance(runDefaults.settle)
      await reload
      await settle()
    },
    async lines(format: 'openmetrics' | 'text' = 'openmetrics'): Promise<string[]> {
      return (await metrics.write(format)).text.split('\n')
    },
  }
}

describe('the metrics of run', () => {
  it('are there from the start, in both formats and with every value of a label', async () => {
    const { metrics } = setUp(2)
    const openmetrics = await metrics.write('openmetrics')
    expect(openmetrics.contentType).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    expect(openmetrics.text).toMatch(/\n# EOF\n$/)
    expect(openmetrics.text).toContain('# TYPE socket_port_reloads counter\n')
    const { contentType, text } = await metrics.write('text')
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    // Not the other one's form, whichever was asked for first.
    expect(text).not.toContain('# EOF')
    expect(text).toContain('# TYPE socket_port_reloads_total counter\n')
    const node_version = process.versions.node
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        `socket_port_build_info{version="1.2.3",node_version="${node_version}"} 1`,
        'socket_port_generation 0',
        'socket_port_workers 2',
        'socket_port_worker_up{worker="1"} 0',
        'socket_port_worker_up{worker="2"} 0',
        'socket_port_processes{state="draining"} 0',
        'socket_port_last_reload_successful 1',
        'socket_port_reload_failures_total{reason="timeout"} 0',
        'socket_port_processes_ended_total{outcome="crashed"} 0',
        'socket_port_ready_seconds_count 0',
        'socket_port_connections_cut_total{kind="other"} 0',
      ]),
    )
  })

  it('count generations, reloads, and how long processes took', async () => {
    const { clock, generation, child, lines } = setUp(2)
    await generation([1, 2])
    child(1).obedient = false
    await generation([3, 4], 2_000)
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'socket_port_generation 2',
        'socket_port_generations_total 2',
        // The first start is no reload.
        'socket_port_reloads_total 1',
        'socket_port_worker_up{worker="2"} 1',
        'socket_port_processes{state="ready"} 2',
        'socket_port_processes{state="draining"} 1',
        'socket_port_ready_seconds_bucket{le="0.25"} 0',
        'socket_port_ready_seconds_bucket{le="0.5"} 2',
        'socket_port_ready_seconds_bucket{le="2.5"} 4',
        'socket_port_ready_seconds_sum 4.8',
        'socket_port_ready_seconds_count 4',
        'socket_port_processes_ended_total{outcome="drained"} 1',
        'socket_port_drain_seconds_count 1',
      ]),
    )
    await clock.advance(3_000)
    child(1).exit({ code: 0 })
    await settle()
    expect(await lines('text')).toEqual(
      expect.arrayContaining([
        'socket_port_processes{state="draining"} 0',
        'socket_port_processes_ended_total{outcome="drained"} 2',
        'socket_port_drain_seconds_bucket{le="2.5"} 1',
        'socket_port_drain_seconds_bucket{le="5"} 2',
        'socket_port_drain_seconds_sum 3',
      ]),
    )
  })

  it('count a failed reload by its reason; the old generation stays', async () => {
    const { supervisor, clock, generation, child, lines } = setUp()
    await generation([1])
    const late = supervisor.reload()
    await settle()
    await clock.advance(runDefaults.readyTimeout)
    await late
    const ended = supervisor.reload()
    await settle()
    child(3).exit({ code: 1 })
    await ended
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'socket_port_generation 1',
        'socket_port_generations_total 3',
        'socket_port_reloads_total 2',
        'socket_port_reload_failures_total{reason="timeout"} 1',
        'socket_port_reload_failures_total{reason="ended"} 1',
        'socket_port_reload_failures_total{reason="stopped"} 0',
        'socket_port_last_reload_successful 0',
        'socket_port_ready_seconds_count 1',
        'socket_port_processes_ended_total{outcome="crashed"} 1',
      ]),
    )
    await generation([4])
    expect(await lines()).toContain('socket_port_last_reload_successful 1')
  })

  it('show how a process ended, and count the restart after a crash', async () => {
    const { supervisor, clock, generation, child, say, lines } = setUp()
    await generation([1])
    child(1).exit({ code: 1 })
    await settle()
    expect(await lines()).toContain('socket_port_worker_up{worker="1"} 0')
    await clock.advance(1_000)
    say(2, 'READY', 1)
    await clock.advance(runDefaults.settle)
    child(2).obedient = false
    await generation([3])
    await clock.advance(runDefaults.drainTimeout)
    child(3).obedient = false
    const stop = supervisor.pool.stop('SIGTERM')
    child(3).exit({ code: 1 })
    await stop
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'socket_port_restarts_total 1',
        'socket_port_processes_ended_total{outcome="drained"} 0',
        'socket_port_processes_ended_total{outcome="failed"} 1',
        'socket_port_processes_ended_total{outcome="killed"} 1',
        'socket_port_processes_ended_total{outcome="crashed"} 1',
      ]),
    )
  })

  it('count connections by kind, also those of processes that have ended', async () => {
    const { generation, child, say, lines } = setUp()
    await generation([1])
    child(1).obedient = false
    await generation([2])
    say(1, 'X_SOCKET_PORT_HANDED_OVER', 9)
    say(1, 'X_SOCKET_PORT_HANDED_OVER_WEB_SOCKETS', 4)
    say(1, 'X_SOCKET_PORT_CLOSED', 3)
    say(1, 'X_SOCKET_PORT_CLOSED_EVENT_STREAMS', 3)
    say(1, 'X_SOCKET_PORT_CUT', 2)
    // Streams of HTTP/2, on two connections.
    say(1, 'X_SOCKET_PORT_CUT_EVENT_STREAMS', 3)
    child(1).exit({ code: 0 })
    await settle()
    say(2, 'X_SOCKET_PORT_RECEIVED', 9)
    say(2, 'X_SOCKET_PORT_RECEIVED_WEB_SOCKETS', 4)
    const expected = [
      'socket_port_connections_handed_over_total{kind="idle"} 5',
      'socket_port_connections_handed_over_total{kind="websocket"} 4',
      'socket_port_connections_handed_over_total{kind="event_stream"} 0',
      'socket_port_connections_received_total{kind="idle"} 5',
      'socket_port_connections_received_total{kind="websocket"} 4',
      'socket_port_connections_closed_total{kind="idle"} 0',
      'socket_port_connections_closed_total{kind="event_stream"} 3',
      'socket_port_connections_cut_total{kind="other"} 0',
      'socket_port_connections_cut_total{kind="event_stream"} 3',
    ]
    for (const format of ['openmetrics', 'text', 'openmetrics'] as const) {
      expect(await lines(format)).toEqual(expect.arrayContaining(expected))
    }
  })
})
