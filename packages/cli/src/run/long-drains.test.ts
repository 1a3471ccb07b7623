import { expect, it } from 'vitest'
import { DrainLine, LongDrains } from './long-drains.ts'

/** Gives a process one status each second. Returns what is reported. */
function reportsOf(state: 'draining' | 'ready', statuses: readonly string[]): string[] {
  const reports: string[] = []
  let now = 0
  const drains = new LongDrains(
    (message) => reports.push(message),
    () => now,
  )
  const reported: { status?: string } = {}
  const worker = { state, pid: 7, place: { generation: 2, worker: 1 }, reported }
  for (const status of statuses) {
    reported.status = status
    drains.statusChanged(worker as Parameters<LongDrains['statusChanged']>[0])
    now += 1_000
  }
  return reports
}

const seconds = (what: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `draining: ${what}; ${25 - at} s left`)

it('reports every five seconds what a drain waits for, but not when it begins', () => {
  expect(reportsOf('draining', seconds('1 request, 10 WebSockets', 12))).toEqual([
    'process 7 of generation 2 still drains: 1 request, 10 WebSockets; 20 s left',
    'process 7 of generation 2 still drains: 1 request, 10 WebSockets; 15 s left',
  ])
})

it.each([
  ['short', 'draining', seconds('1 request', 5)],
  ['of idle connections alone', 'draining', seconds('2 idle connections', 12)],
  ['that has ended', 'draining', Array(12).fill('draining: 0 connections left')],
  ['of a program with a status of its own', 'draining', Array(12).fill('flushing')],
  ['in name only', 'ready', seconds('1 request', 12)],
] as const)('does not report a drain %s', (_, state, statuses) => {
  expect(reportsOf(state, statuses)).toEqual([])
})

it('on a terminal one line counts down, for each second, until the process has ended', () => {
  const lines: (string | undefined)[] = []
  const drains = new DrainLine((line) => lines.push(line))
  const worker = (pid: number) => ({
    state: 'draining' as const,
    pid,
    place: { generation: 2, worker: 1 },
    reported: { status: '' } as { status?: string },
  })
  type Draining = Parameters<DrainLine['statusChanged']>[0]
  const [one, other] = [worker(7), worker(8)]
  for (const status of ['draining: 1 request; 9 s left', 'draining: 1 request; 8 s left']) {
    one.reported.status = status
    drains.statusChanged(one as Draining)
  }
  other.reported.status = 'draining: 2 requests; 9 s left'
  drains.statusChanged(other as Draining)
  drains.ended(one as Draining)
  other.reported.status = 'draining: 0 connections left'
  drains.statusChanged(other as Draining)
  drains.ended(other as Draining)
  const progress = (pid: number, what: string): string =>
    `socket-port: process ${pid} of generation 2 still drains: ${what}`
  expect(lines).toEqual([
    progress(7, '1 request; 9 s left'),
    progress(7, '1 request; 8 s left'),
    progress(7, '1 request; 8 s left (and 1 more)'),
    progress(8, '2 requests; 9 s left'),
    undefined,
  ])
})
