import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import {
  ancestorsOf,
  ancestry,
  commandOf,
  environOf,
  parseStat,
  printable,
  procIsOurs,
  statOf,
  uidOf,
} from './process.ts'

// Captured on Linux 6.18.
const TAIL =
  'S 3603 3612 3603 0 -1 4194304 96 0 0 0 0 0 0 0 20 0 11 0 1234567 5591040 448 18446744073709551615 1 1'

describe('parseStat', () => {
  it.each([
    { name: 'node' },
    { name: 'my app (v2)' },
    { name: ') S 1 2 3' },
    { name: '' },
    { name: 'a\nb' },
  ])('reads the process named $name', ({ name }) => {
    const stat = parseStat(`3612 (${name}) ${TAIL}\n`)
    expect(stat).toEqual({
      name,
      state: 'S',
      parent: 3603,
      session: 3603,
      startTime: 1234567,
    })
  })

  it.each(['', '3612', '3612 (node)', '3612 (node) S 1', ') ('])('refuses %j', (text) => {
    expect(parseStat(text)).toBeUndefined()
  })
})

describe('printable', () => {
  it('lets no escape sequence, line break or bidirectional override through', () => {
    expect(printable('a\u001b[31m\nb\t\u202ec ')).toBe('a [31m b c')
  })

  it('cuts to 80 characters', () => {
    expect(printable('x'.repeat(80))).toBe('x'.repeat(80))
    expect(printable('x'.repeat(81))).toBe(`${'x'.repeat(79)}…`)
  })
})

describe('ancestry', () => {
  it('goes up to the first process', () => {
    const parents = new Map([
      [30, 20],
      [20, 1],
      [1, 0],
    ])
    expect(ancestry(30, (pid) => parents.get(pid))).toEqual([20, 1])
  })

  it('ends where a parent is gone, or comes a second time', () => {
    expect(ancestry(30, () => undefined)).toEqual([])
    expect(ancestry(30, () => 20)).toEqual([20])
  })
})

describe(...requireOrSkip('a real process', linuxSkipReason()), () => {
  it('is read with its parent, user and command', () => {
    expect(procIsOurs()).toBe(true)
    expect(statOf(process.pid)?.parent).toBe(process.ppid)
    expect(uidOf(process.pid)).toBe(process.getuid?.())
    expect(ancestorsOf(process.pid)[0]).toBe(process.ppid)
  })

  it('is read with its state and session, whatever the name of its program', async () => {
    const child = spawn('/bin/sh', ['-c', 'printf "x) Z 1 2" > /proc/$$/comm; echo; read _'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    await once(child.stdout, 'data')
    expect(statOf(child.pid ?? 0)).toMatchObject({
      state: expect.stringMatching(/[RS]/),
      parent: process.pid,
      session: child.pid,
    })
    child.stdin.end()
    await once(child, 'close')
    expect(statOf(child.pid ?? 0)).toBeUndefined()
  })

  it('shows its arguments and the environment it was started with', async () => {
    // A listener for messages keeps it alive.
    const code = 'delete process.env.LISTEN_FDS; process.on("message", () => {}).send("ready")'
    const child = spawn(process.execPath, ['-e', code, 'an argument', ''], {
      argv0: 'app',
      env: { LISTEN_FDS: '1', EMPTY: '', EQUALS: 'a=b' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    await once(child, 'message')
    const pid = child.pid ?? 0
    expect(commandOf(pid, 'node')).toMatch(/^app -e delete .*…$/)
    const env = environOf(pid)
    expect([env.get('LISTEN_FDS'), env.get('EMPTY'), env.get('EQUALS')]).toEqual(['1', '', 'a=b'])
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect([statOf(pid), uidOf(pid), environOf(pid).size]).toEqual([undefined, undefined, 0])
    expect(commandOf(pid, 'my (app)')).toBe('[my (app)]')
  })
})
