import { closeSync, fstatSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadLibc } from '../sockets/libc.ts'
import { closeEnd, hear, openBellLine, sendAndRing } from './bell-line.ts'
import { checkLine, openLine, type Received, receiveFrom, sendThrough } from './line.ts'

const AF_UNIX = 1
const SOCK_STREAM = 1
const O_CLOEXEC = 0o2000000

const text = ({ bytes }: Received): string => Buffer.from(bytes).toString()

describe.runIf(process.platform === 'linux')('a line', () => {
  const libc = loadLibc()

  function line(): { near: number; far: number } {
    const ends = openLine(libc)
    onTestFinished(() => {
      closeSync(ends.near)
      try {
        closeSync(ends.far)
      } catch {
        // by the test
      }
    })
    return ends
  }

  it('keeps what was sent, each message whole, with its descriptors', () => {
    const { near, far } = line()
    expect(sendThrough(libc, near, Buffer.from('first'), [near, far])).toBe('sent')
    expect(sendThrough(libc, near, Buffer.from('second'))).toBe('sent')
    const first = receiveFrom(libc, far) as Received
    onTestFinished(() => first.fds.forEach(closeSync))
    expect(text(first)).toBe('first')
    expect(first.fds.map((fd) => fstatSync(fd).ino)).toEqual(
      [near, far].map((fd) => fstatSync(fd).ino),
    )
    expect(text(receiveFrom(libc, far) as Received)).toBe('second')
    expect(receiveFrom(libc, far)).toBeUndefined()
  })

  it('is told from what is none', () => {
    const { far } = line()
    expect(() => checkLine(libc, far)).not.toThrow()
    const [ear, button] = libc.pipe(O_CLOEXEC)
    const stream = libc.socketPair(AF_UNIX, SOCK_STREAM | O_CLOEXEC)
    onTestFinished(() => [ear, button, ...stream].forEach(closeSync))
    expect(() => checkLine(libc, ear)).toThrow('getsockopt failed')
    expect(() => checkLine(libc, stream[0])).toThrow('no datagram socket')
  })

  it('keeps it also when the near end is closed', () => {
    const { near, far } = openLine(libc)
    sendThrough(libc, near, Buffer.from('last'))
    closeSync(near)
    expect(text(receiveFrom(libc, far) as Received)).toBe('last')
    closeSync(far)
  })

  it('says when nobody has its other end', () => {
    const { near, far } = line()
    closeSync(far)
    expect(sendThrough(libc, near, Buffer.from('lost'))).toBe('gone')
  })

  it('says when it is full, after tens of thousands of descriptors', () => {
    const { near } = line()
    const fds = Array.from({ length: 253 }, () => near)
    let sent = 0
    while (sendThrough(libc, near, Buffer.from('x'), fds) === 'sent') sent += fds.length
    expect(sent).toBeGreaterThan(50_000)
  })
})

describe.runIf(process.platform === 'linux')('a line with a bell', () => {
  const libc = loadLibc()

  it('tells what waits, in order, until it is closed', async () => {
    const { near, far } = openBellLine(libc)
    const heard: string[] = []
    const ended = hear(libc, far, async (next) => {
      for (let message = next(); message !== undefined; message = next()) {
        heard.push(text(message))
        await undefined
      }
    })
    sendAndRing(libc, near, Buffer.from('one'))
    sendAndRing(libc, near, Buffer.from('two'))
    await new Promise((resolve) => setImmediate(resolve))
    sendAndRing(libc, near, Buffer.from('three'))
    closeEnd(near)
    await ended
    expect(heard).toEqual(['one', 'two', 'three'])
  })
})
