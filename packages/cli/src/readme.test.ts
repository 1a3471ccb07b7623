import { readFileSync } from 'node:fs'
import { noConnections } from '@socket-port/core/supervisor'
import { expect, test } from 'vitest'
import { exitCodes } from './base/exit-codes.ts'
import { commands } from './commands/index.ts'
import { runCommand } from './commands/run.ts'
import { formatList } from './commands/status.ts'
import type { Status } from './control/status.ts'
import { RunMetrics } from './metrics/run-metrics.ts'
import { LineFormat, type LineFormatOptions } from './output/line-format.ts'
import { runDefaults } from './run/options.ts'
import { statusOf } from './run/status.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import { Worker } from './supervisor/worker.ts'
import { FakeChild } from './testing/fake-child.ts'
import { FakeClock } from './testing/fake-clock.ts'
import { fakeIo } from './testing/io.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The rows of the table below a heading, without its head. */
function table(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) => row.slice(2, -2).split(' | '))
}

test('the exit codes of the README are those of the source', () => {
  const rows = Object.entries(exitCodes)
  expect(table('Exit codes')).toEqual(rows)
})

test('the commands of the README are those of the source, in the same words', () => {
  const rows = table('Commands').map(([usage = '', what]) => [/`(\w+)/.exec(usage)?.[1], what])
  expect(rows).toEqual(commands.map(({ name, summary }) => [name, summary]))
})

test('the keys of status --json in the README are those that are printed', () => {
  const child = new FakeChild(1)
  const rules = { ...runDefaults, program: 'x' }
  const worker = new Worker(child, { generation: 1, worker: 1 }, rules, new FakeClock())
  const reloads = { succeeded: 0, failed: 1, last: { at: '', ok: false, reason: '' } }
  const status = statusOf({
    name: 'x',
    version: '1',
    state: 'running',
    command: ['x'],
    sockets: [{ name: 'x', address: 'x', inherited: false, fds: [3] }],
    paths: { problemOf: () => null },
    workers: [worker],
    restarts: 0,
    reloads,
    connections: noConnections(),
    stored: [],
    now: 0,
  })
  const words = new Set(
    table('status')
      .flatMap((row) => [...row.join().matchAll(/`(\w+)`/g)])
      .map(([, word]) => word),
  )
  const values = ['starting', 'running', 'reloading', 'stopping', 'ready', 'draining', 'null']
  for (const value of values) words.delete(value)
  expect([...words].toSorted()).toEqual([...keysOf(status)].toSorted())
})

/** Every key of it and of what is in it. */
function keysOf(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set()
  const own = Array.isArray(value) ? [] : Object.keys(value)
  return new Set([...own, ...Object.values(value).flatMap((part) => [...keysOf(part)])])
}

test('the options of run in the README are those of the source', () => {
  const options = Object.entries(runCommand.options).map(([name, { short, value }]) => {
    const long = `\`--${name}${value === undefined ? '' : ` ${value}`}\``
    return short === undefined ? long : `\`-${short}\`, ${long}`
  })
  expect(table('run').map(([option]) => option)).toEqual(options)
})

test('the metrics of the README are those that are served, with the values of their labels', async () => {
  const supervisor = new Supervisor<string>({
    workers: 1,
    replace: 'all-at-once',
    retry: 'once',
    clock: new FakeClock(),
    prepare: async () => '',
    launch: () => {
      throw new Error('nothing is started')
    },
    report: () => {},
  })
  const metrics = new RunMetrics({ supervisor, version: '1' }, () => 0)
  const { text } = await metrics.write('text')
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, ...all]) => all)
  const rows = table('Metrics')
  expect(rows.map(([name, type]) => [name?.slice(1, -1), type]).toSorted()).toEqual(
    types.toSorted(),
  )
  // The rows in between say that the kinds are the same.
  const shown = rows
    .flatMap((row) => [...row.join().matchAll(/`([a-z_-]+)`/g)])
    .map(([, word]) => word)
  const values = [...text.matchAll(/(\w+)="([a-z_-]+)"/g)].flatMap(([, ...all]) => all)
  expect(shown).toEqual(expect.arrayContaining(values))
})

test('the list of status in the README is one that is printed', () => {
  const at = new Date(0).toISOString()
  const statusAt = (port: number, pid: number, uptime: number, number: number): Status => ({
    name: port === 8080 ? 'shop' : 'blog',
    pid,
    version: '1',
    state: 'running',
    command: ['node', `${port === 8080 ? 'server' : 'blog'}.js`],
    startedAt: at,
    uptime,
    sockets: [{ name: 'unknown', address: `[::]:${port}`, inherited: false, problem: null }],
    generations: [{ number, workers: [] }],
    reloads: { succeeded: number - 1, failed: 0, last: null },
    connections: {
      handedOver: 0,
      received: 0,
      webSockets: 0,
      eventStreams: 0,
      tunnels: 0,
      cut: 0,
    },
    restarts: 0,
    stored: [],
  })
  const list = [statusAt(8081, 4702, 3_720_000, 2), statusAt(8080, 4711, 123_000, 4)]
  expect(readme).toContain(`\n${formatList(list, fakeIo().stdout)}\``)
})

test('the lines in the README are formatted as run formats them', () => {
  const now = (): Date => new Date('2026-01-02T03:04:05.678Z')
  const written = (options: Partial<LineFormatOptions>, worker: number, text: string): string => {
    const all = { prefix: false, timestamps: false, logFormat: 'text', ...options } as const
    const format = new LineFormat(all, now).ofProcess({ worker, generation: 1 })
    return String(format?.(Buffer.from(text), 'info', 4790))
  }
  const lines = [[1, 'GET /'] as const, [2, 'GET /about'] as const]
  const prefixed = lines.map(([worker, text]) => written({ prefix: true }, worker, text))
  expect(readme).toContain(`\n${prefixed.join('')}\``)
  expect(readme).toContain(`\n${written({ logFormat: 'json' }, 2, 'GET /about')}\``)
})
