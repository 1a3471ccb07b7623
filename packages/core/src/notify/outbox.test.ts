import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SocketPortError } from '../base/errors.ts'
import { Outbox } from './outbox.ts'

const EAGAIN = 11
const ECONNREFUSED = 111

let sent: string[]
let warnings: string[]
let errno: number | undefined
let outbox: Outbox

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  warnings = []
  errno = undefined
  const warn = (message: string): void => void warnings.push(message)
  const send = ({ bytes }: { bytes: Uint8Array }): void => {
    if (errno === undefined) return void sent.push(Buffer.from(bytes).toString())
    throw new SocketPortError('ERR_SOCKET_PORT_SYSCALL', 'no', { syscall: 'sendmsg', errno })
  }
  outbox = new Outbox(send, () => -1, warn)
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const post = (text: string, dropped?: () => void): boolean =>
  outbox.post({ bytes: Buffer.from(text), fds: [] }, dropped)

const full = expect.stringMatching(
  /has not read its notify socket for 10000 ms, or 64 messages wait.*find out why/,
)

describe('an outbox', () => {
  it('sends at once if the socket has room', () => {
    expect(post('a')).toBe(true)
    expect(sent).toEqual(['a'])
  })

  it.each([
    ['EAGAIN', 11],
    ['ENOBUFS', 105],
    ['ETOOMANYREFS', 109],
  ])('keeps the order while there is no room (%s)', (_, code) => {
    errno = code
    expect(post('a')).toBe(true)
    errno = undefined
    expect(post('b')).toBe(true)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(50)
    expect(sent).toEqual(['a', 'b'])
    post('c')
    expect(sent).toEqual(['a', 'b', 'c'])
    expect(warnings).toEqual([])
  })

  it('sends the messages that wait when flush() is called', () => {
    errno = EAGAIN
    post('a')
    errno = undefined
    outbox.flush()
    expect(sent).toEqual(['a'])
  })

  it('keeps only one of two identical messages', () => {
    errno = EAGAIN
    for (const text of ['WATCHDOG=1', 'WATCHDOG=1', 'STATUS=x', 'WATCHDOG=1']) post(text)
    errno = undefined
    vi.advanceTimersByTime(50)
    expect(sent).toEqual(['WATCHDOG=1', 'STATUS=x', 'WATCHDOG=1'])
  })

  it('drops messages after ten seconds, with one warning', () => {
    const dropped = vi.fn()
    errno = EAGAIN
    post('a', dropped)
    vi.advanceTimersByTime(9_950)
    expect(dropped).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100)
    expect(dropped).toHaveBeenCalledOnce()
    post('b', dropped)
    vi.advanceTimersByTime(11_000)
    expect(dropped).toHaveBeenCalledTimes(2)
    expect(warnings).toEqual([full])
  })

  it('keeps no more than 64 messages', () => {
    errno = EAGAIN
    for (let index = 0; index < 64; index += 1) expect(post(String(index))).toBe(true)
    expect(post('64')).toBe(false)
    expect(post('65')).toBe(false)
    expect(warnings).toEqual([full])
    errno = undefined
    vi.advanceTimersByTime(50)
    expect(sent).toHaveLength(64)
  })

  it('drops the messages for a manager that has gone', () => {
    const dropped = vi.fn()
    errno = EAGAIN
    post('a', dropped)
    post('b', dropped)
    errno = ECONNREFUSED
    vi.advanceTimersByTime(50)
    expect(dropped).toHaveBeenCalledTimes(2)
    expect(warnings).toEqual([expect.stringMatching(/sendmsg failed with ECONNREFUSED/)])
    errno = undefined
    post('c')
    expect(sent).toEqual(['c'])
  })
})
