import { expect, test } from 'vitest'
import type { Status } from '../control/status.ts'
import { fakeIo } from '../testing/io.ts'
import { formatList, formatStatus, showStatuses, span } from './status.ts'

const at = '2026-01-01T00:00:00.000Z'
const worker = {
  worker: 1,
  startedAt: at,
  readyAfter: 120,
  status: null,
  received: 0,
  handedOver: 0,
}
const status: Status = {
  name: 'shop',
  pid: 10,
  version: '0.1.0',
  state: 'reloading',
  command: ['node', 'server.js'],
  startedAt: at,
  uptime: 90_061_000,
  sockets: [
    { name: 'web', address: '[::]:8080', inherited: false, problem: null },
    { name: 'unknown', address: 'unix:/run/a.sock', inherited: true, problem: 'path-gone' },
  ],
  generations: [
    {
      number: 2,
      workers: [{ ...worker, pid: 12, state: 'starting', uptime: 40, readyAfter: null }],
    },
    {
      number: 1,
      workers: [{ ...worker, pid: 11, state: 'draining', uptime: 65_000, status: '3 connections' }],
    },
  ],
  reloads: { succeeded: 4, failed: 1, last: { at, ok: false, reason: 'it exited with 1' } },
  connections: { handedOver: 12, received: 11, webSockets: 3, eventStreams: 1, tunnels: 0, cut: 0 },
  restarts: 1,
  stored: [],
}

test('the status for people', () => {
  expect(formatStatus(status, fakeIo().stdout)).toBe(`\
shop is reloading, process 10, up 1 d 1 h
  command   node server.js
  socket    [::]:8080 (web)
  socket    unix:/run/a.sock, inherited, its path has been removed: no client can find it
  reloads   4 succeeded, 1 failed, the last one at ${at}: it exited with 1
  restarts  1 process replaced after a crash
  handover  12 connections handed over (3 WebSockets, 1 event stream), 11 received
generation 2
  worker 1  pid 12  starting, up 40 ms
generation 1
  worker 1  pid 11  draining, up 1 min 5 s, ready after 120 ms: 3 connections
`)
})

test('several statuses for people, a line for each', () => {
  const blog: Status = { ...status, name: 'my-blog', state: 'running', sockets: [] }
  const reloads = { ...status.reloads, last: null }
  expect(formatList([{ ...blog, reloads }, status], fakeIo().stdout)).toBe(`\
my-blog  running, process 10, up 1 d 1 h, generation 2, 1; node server.js
shop     reloading, process 10, up 1 d 1 h, generation 2, 1, the last reload failed; [::]:8080; unix:/run/a.sock; node server.js
`)
})

test.each([true, false])('a status that failed does not hide the others (--json: %j)', (json) => {
  const io = fakeIo()
  const failed = { ok: false, exitCode: 1, message: 'the connection was closed' } as const
  const good = { ok: true, exitCode: 0, message: '', status } as const
  expect(showStatuses([failed, good], json, io)).toBe(1)
  const { stdout, stderr } = io.written()
  expect(stdout).toMatch(json ? /^\[\n {2}\{\n {4}"name": "shop"/ : /^shop {2}reloading, .*\n$/)
  expect(stderr).toBe('socket-port: error: the connection was closed\n')
})

test.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [59_900, '59.9 s'],
  [3_599_000, '59 min 59 s'],
  [3_600_000, '1 h 0 min'],
])('%d ms is %s', (ms, text) => {
  expect(span(ms)).toBe(text)
})
