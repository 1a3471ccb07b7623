import { socketPort } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { describe, expect, it } from 'vitest'
import { expectStops, fixture, start, supervise } from './supervising.ts'

const command = [process.execPath, fixture('cli-lines.mjs')]
const TWO = ['--listen', '127.0.0.1:0', '--workers', '2']

/** All that is printed by two generations of two workers, which print at once. */
async function linesOf(...options: string[]): Promise<string[]> {
  const supervised = await start({ command, args: [...TWO, '--all-at-once', ...options] })
  expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
  await expectStops(supervised)
  return supervised.generation.output.trimEnd().split('\n')
}

const OWN = /^socket-port: /
// The number before the line, and what the process itself said.
const PREFIXED = /^\[([12])\] (?:<\1\/\d+\/[12] x*>|the end, without a line feed)$/
const TIME = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /

describe('the output of several workers', () => {
  it('has the worker before each line, and no two lines mix', async () => {
    const lines = await linesOf()
    expect(lines.filter((line) => !OWN.test(line) && !PREFIXED.test(line))).toEqual([])
    for (const number of ['[1]', '[2]']) {
      expect(lines.filter((line) => line === `${number} the end, without a line feed`).length).toBe(
        2,
      )
    }
    expect(lines.at(-1)).toBe('socket-port: stopped: every process has ended')
  })

  it('and the time with --timestamps', async () => {
    const lines = await linesOf('--timestamps')
    const rest = lines.map((line) => line.replace(TIME, ''))
    expect(lines.filter((line, at) => line === rest[at])).toEqual([])
    expect(rest.filter((line) => !OWN.test(line) && !PREFIXED.test(line))).toEqual([])
  })

  it('is JSON with --log-format json, and so is what run says', async () => {
    const lines = (await linesOf('--log-format', 'json')).map((line) => JSON.parse(line) as Line)
    for (const line of lines) {
      expect(Object.keys(line)).toEqual(['time', 'level', 'worker', 'pid', 'generation', 'text'])
    }
    const own = lines.filter(({ worker }) => worker === null)
    expect(own.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^generation 2, worker 2 is ready after/),
        'stopped: every process has ended',
      ]),
    )
    const others = lines.filter(({ text, worker }) => worker !== null && text.startsWith('<'))
    const odd = others.filter(({ text, worker, pid, generation }) => {
      return !text.startsWith(`<${worker}/${pid}/${generation} `) || !text.endsWith('>')
    })
    expect(odd).toEqual([])
    expect(new Set(others.map(({ level }) => level))).toEqual(new Set(['info', 'error']))
  })
})

interface Line {
  level: string
  worker: number | null
  pid: number
  generation: number | null
  text: string
}

const PRINTS = ['/bin/sh', '-c', 'printf "no end"; exec sleep 9']

it('one worker has no prefix, and its bytes are passed on at once, without an end', async () => {
  const supervised = await start({
    command: PRINTS,
    args: ['--listen', '127.0.0.1:0', '--ready', 'delay:0'],
  })
  await supervised.printed(/(?<!\] )no end(?!\n)/)
  await expectStops(supervised)
})

it.each([
  ['--prefix', ['--prefix'], /^\[1\] no end\n/m],
  ['--no-prefix', ['--workers', '2', '--no-prefix'], /(?<!\] )no end/],
])('%s decides', async (_, options, what) => {
  const args = ['--listen', '127.0.0.1:0', '--ready', 'delay:0', ...options]
  const supervised = await start({ command: PRINTS, args })
  await expectStops(supervised)
  expect(supervised.generation.output).toMatch(what)
})

describe('--log-format json', () => {
  it('holds for a failure too: level error', async () => {
    const args = ['--listen', '127.0.0.1:0', '--log-format', 'json']
    const supervised = supervise({ command: ['/bin/sh', '-c', 'echo oh no >&2; exit 3'], args })
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    const lines = supervised.generation.output.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'info', worker: null, text: expect.stringMatching(/^keeps /) },
      { level: 'error', worker: 1, generation: 1, text: 'oh no' },
      { level: 'error', worker: null, text: expect.stringMatching(/^generation 1 failed: /) },
    ])
  })

  it('and for a socket that cannot be opened', async () => {
    const address = `192.0.2.1:${freePort()}`
    const run = ['run', '--listen', address, '--log-format', 'json', '--', 'true']
    const { code, stderr } = await socketPort(run)
    expect(code).toBe(4)
    expect(JSON.parse(stderr)).toMatchObject({
      level: 'error',
      worker: null,
      text: expect.stringContaining('EADDRNOTAVAIL'),
    })
  })
})
