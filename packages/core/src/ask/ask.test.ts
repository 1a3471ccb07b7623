import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { loadLibc } from '../sockets/libc.ts'
import { type Answered, ask } from './ask.ts'

const request = {
  port: 1,
  portGiven: true,
  host: undefined,
  path: undefined,
  name: undefined,
  ipv6Only: false,
  take: 'exact',
} as const

const folder = mkdtempSync(join(tmpdir(), 'socket-port-ask-'))
const cleanups: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
afterEach(() => cleanups.splice(1).forEach((cleanup) => void cleanup()))

/** Asks a process that reads nothing, sends this, and closes: `ask` blocks this one. */
async function askOf(answer: string): Promise<Answered> {
  const path = join(folder, 'ask.sock')
  rmSync(path, { force: true })
  const code = `require('node:net')
    .createServer((socket) => socket.on('error', () => {}).end(process.argv[2]))
    .listen(process.argv[1], () => process.send('listens'))`
  const child = fork('-e', [code, path, answer], { execArgv: [], silent: true })
  cleanups.push(() => child.kill())
  await once(child, 'message')
  return ask(loadLibc(), path, request)
}

describe(...requireOrSkip('ask', linuxSkipReason()), () => {
  it('returns the answer', async () => {
    const { answer, fds } = await askOf('{"version":1,"kind":"none","kept":["[::]:80"]}\n')
    expect(answer).toEqual({ kind: 'none', kept: ['[::]:80'] })
    expect(fds).toEqual([])
  })

  it.each<[string, string, RegExp]>([
    ['nothing', '', /closed the connection without an answer/],
    ['half an answer', '{"version":1', /closed the connection without an answer/],
    ['garbage', 'garbage\n', /cannot be read: it is no JSON/],
    ['too much', 'x'.repeat(10_000), /too long/],
    ['no socket', '{"version":1,"kind":"given"}\n', /came with 0 descriptors, not 1/],
  ])('throws what is wrong: %s', async (_, answer, message) => {
    await expect(askOf(answer)).rejects.toThrow(message)
  })

  it('throws where nothing listens', () => {
    expect(() => ask(loadLibc(), join(folder, 'nothing'), request)).toThrow(/connect failed/)
  })
})
