import { describe, expect, it } from 'vitest'
import type { NotifyMessage } from '../base/types.ts'
import { statusText, toFields } from './message.ts'

const lines = (message: NotifyMessage): string[] =>
  Object.entries(toFields(message)).map((line) => line.join('='))

describe('toFields', () => {
  it.each([
    [{ ready: true }, ['READY=1']],
    [{ ready: true, mainPid: 4711, status: 'up' }, ['READY=1', 'MAINPID=4711', 'STATUS=up']],
    [{ status: 'up', mainPid: 4711, ready: true }, ['READY=1', 'MAINPID=4711', 'STATUS=up']],
    [{ stopping: true, status: '' }, ['STOPPING=1', 'STATUS=']],
    [{ errno: 13, status: 'no' }, ['STATUS=no', 'ERRNO=13']],
    [{ extendTimeout: 1 }, ['EXTEND_TIMEOUT_USEC=1000']],
    [{ extendTimeout: 2_147_483_647 }, ['EXTEND_TIMEOUT_USEC=2147483647000']],
    [{ watchdog: true, watchdogTimeout: 30_000 }, ['WATCHDOG=1', 'WATCHDOG_USEC=30000000']],
    [{ watchdog: 'trigger' }, ['WATCHDOG=trigger']],
    [{ fields: { X_B: 'b=c', X_A_1: '' } }, ['X_B=b=c', 'X_A_1=']],
    [{ ready: false, watchdog: false, status: 'x' }, ['STATUS=x']],
    [{ ready: true, fields: {} }, ['READY=1']],
  ] satisfies [NotifyMessage, string[]][])('turns %j into %j', (message, expected) => {
    expect(lines(message)).toEqual(expected)
  })

  it('adds the time of a reload in microseconds of the monotonic clock', () => {
    const before = process.hrtime.bigint() / 1000n
    const [reloading, time = ''] = lines({ reloading: true })
    const [name, microseconds = '0'] = time.split('=')
    expect([reloading, name]).toEqual(['RELOADING=1', 'MONOTONIC_USEC'])
    expect(BigInt(microseconds)).toBeGreaterThanOrEqual(before)
    expect(BigInt(microseconds)).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n)
  })

  it.each<[unknown, RegExp]>([
    [undefined, /the message must be an object such as \{ ready: true \} \(got undefined\)/],
    ['READY=1', /the message must be an object .* \(got "READY=1"\)/],
    [{}, /the message must be such as \{ ready: true \}, not empty \(got Object\)/],
    [{ ready: false }, /not empty/],
    [{ ready: 1 }, /ready must be true or false \(got 1\)/],
    [{ ready: true, stopping: true }, /a process is ready, reloading or stopping/],
    [{ reloading: true, ready: true }, /a process is ready, reloading or stopping/],
    [{ status: 7 }, /status must be a string \(got 7\)/],
    [{ mainPid: 0 }, /mainPid must be .* between 1 and 2147483647 \(got 0\)/],
    [{ mainPid: '1' }, /mainPid must be .* \(got "1"\)/],
    [{ errno: 4096 }, /errno must be .* between 1 and 4095/],
    [{ extendTimeout: 0 }, /extendTimeout must be .* milliseconds between 1/],
    [{ watchdogTimeout: 1.5 }, /watchdogTimeout must be/],
    [{ watchdog: 'now' }, /watchdog must be true or 'trigger' \(got "now"\)/],
    [{ fields: null }, /fields must be an object \(got null\)/],
    [{ fields: { READY: '1' } }, /fields must be names such as X_VERSION.*\(got "READY"\)/],
    [{ fields: { 'X_A=1\nREADY': '1' } }, /names such as X_VERSION/],
    [{ fields: { X_A: 'a\nREADY=1' } }, /fields\.X_A must be a string on one line/],
    [{ fields: { X_A: 1 } }, /fields\.X_A must be a string on one line \(got 1\)/],
    [{ fields: { X_A: 'x'.repeat(4096) } }, /\(got "4100 bytes"\)/],
  ])('refuses %j', (message, expected) => {
    expect(() => toFields(message as NotifyMessage)).toThrow(
      expect.objectContaining({
        code: 'ERR_SOCKET_PORT_INVALID_OPTION',
        message: expect.stringMatching(expected),
      }),
    )
  })

  it('names an unknown part', () => {
    expect(() => toFields({ READY: true } as NotifyMessage)).toThrow(
      expect.objectContaining({
        code: 'ERR_SOCKET_PORT_UNKNOWN_OPTION',
        message: expect.stringMatching(/^there is no part of a notification "READY"; known are /),
      }),
    )
  })
})

describe('statusText', () => {
  it.each([
    ['one\ntwo', 'one two'],
    ['one\r\n\n\ttwo\0', 'one two '],
    ['no\u2028change', 'no\u2028change'],
  ])('puts %j on one line', (text, line) => {
    expect(statusText(text)).toBe(line)
  })

  it.each(['x', '\u00e9', '\u{1F600}'])('cuts a long text between two characters: %s', (one) => {
    const text = statusText(`a${one.repeat(1024)}`)
    expect(text).toMatch(new RegExp(`^a(${one})+…$`, 'u'))
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 + 3)
    expect(Buffer.byteLength(text)).toBeGreaterThan(1024 - 4)
  })
})
