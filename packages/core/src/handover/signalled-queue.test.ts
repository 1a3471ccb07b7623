import { closeSync, fstatSync } from 'node:fs'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { controlSize } from '../sockets/ancillary.ts'
import { AF_UNIX, SOCK_STREAM } from '../sockets/constants.ts'
import { type Libc, loadLibc } from '../sockets/libc.ts'
import { descriptors } from '../testing/real-sockets.ts'
import {
  checkQueue,
  LONGEST_HEADER,
  openQueue,
  type QueueMessage,
  receiveFrom,
  sendTo,
  shutQueue,
} from './fd-queue.ts'
import {
  closeQueueEnd,
  type Next,
  openSignalledQueue,
  sendAndSignal,
  watchQueue,
} from './signalled-queue.ts'

const O_CLOEXEC = 0o2000000

const failing = (call: keyof Libc): Libc => ({
  ...loadLibc(),
  [call]: () => {
    throw new Error(`no ${call}`)
  },
})

const texts = (next: Next): string[] => {
  const all: string[] = []
  for (let message = next(); message !== undefined; message = next()) all.push(text(message))
  return all
}

const unreachable = ({ message }: Error): never => expect.unreachable(message)

const text = ({ bytes }: QueueMessage): string => Buffer.from(bytes).toString()

describe(...requireOrSkip('a queue', linuxSkipReason()), () => {
  const libc = loadLibc()

  function queue(): { near: number; far: number } {
    const ends = openQueue(libc)
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
    const { near, far } = queue()
    expect(sendTo(libc, near, Buffer.from('first'), [near, far])).toBe('sent')
    expect(sendTo(libc, near, Buffer.from('second'))).toBe('sent')
    const first = receiveFrom(libc, far) as QueueMessage
    onTestFinished(() => first.fds.forEach(closeSync))
    expect(text(first)).toBe('first')
    expect(first.fds.map((fd) => fstatSync(fd).ino)).toEqual(
      [near, far].map((fd) => fstatSync(fd).ino),
    )
    expect(text(receiveFrom(libc, far) as QueueMessage)).toBe('second')
    expect(receiveFrom(libc, far)).toBeUndefined()
  })

  it('differs from another socket', () => {
    const { far } = queue()
    expect(() => checkQueue(libc, far)).not.toThrow()
    const [readEnd, writeEnd] = libc.pipe(O_CLOEXEC)
    const stream = libc.socketPair(AF_UNIX, SOCK_STREAM | O_CLOEXEC)
    onTestFinished(() => [readEnd, writeEnd, ...stream].forEach(closeSync))
    expect(() => checkQueue(libc, readEnd)).toThrow('getsockopt failed')
    expect(() => checkQueue(libc, stream[0])).toThrow('no datagram socket')
  })

  it('keeps messages also when the near end is closed', () => {
    const { near, far } = openQueue(libc)
    sendTo(libc, near, Buffer.from('last'))
    closeSync(near)
    expect(text(receiveFrom(libc, far) as QueueMessage)).toBe('last')
    closeSync(far)
  })

  it('reports that no process has its other end', () => {
    const { near, far } = queue()
    closeSync(far)
    expect(sendTo(libc, near, Buffer.from('lost'))).toBe('gone')
  })

  it('refuses messages once it is shut, and keeps those that wait', () => {
    const { near, far } = queue()
    sendTo(libc, near, Buffer.from('in time'), [near])
    shutQueue(libc, far)
    expect(sendTo(libc, near, Buffer.from('too late'))).toBe('gone')
    const waiting = receiveFrom(libc, far) as QueueMessage
    waiting.fds.forEach(closeSync)
    expect(text(waiting)).toBe('in time')
    expect(receiveFrom(libc, far)).toBeUndefined()
  })

  it('reports that the kernel had no room for descriptors', () => {
    const { near, far } = queue()
    sendTo(libc, near, Buffer.from('whole'), [near])
    sendTo(libc, near, Buffer.from('cut'), [near, near, near])
    const narrow: Libc = {
      ...libc,
      receiveMessage: (fd, { bytes }, flags) =>
        libc.receiveMessage(fd, { bytes, control: controlSize(1) - 32 }, flags),
    }
    for (const [expected, cut] of [
      ['whole', false],
      ['cut', true],
    ] as const) {
      const message = receiveFrom(narrow, far) as QueueMessage
      message.fds.forEach(closeSync)
      expect([text(message), message.fdsCut]).toEqual([expected, cut])
    }
  })

  it('leaves nothing open where it cannot be opened', () => {
    const before = descriptors()
    let pairs = 0
    const withoutPipe = (): Libc => ({
      ...libc,
      socketPair(...kind) {
        pairs += 1
        if (pairs === 2) throw new Error('no stream')
        return libc.socketPair(...kind)
      },
    })
    expect(() => openQueue(failing('setsockopt'))).toThrow('no setsockopt')
    expect(() => openSignalledQueue(withoutPipe())).toThrow('no stream')
    expect(descriptors()).toEqual(before)
  })

  it('reports a message that is too long', () => {
    const { near, far } = queue()
    for (const length of [LONGEST_HEADER, LONGEST_HEADER + 1]) {
      sendTo(libc, near, Buffer.alloc(length, 'x'))
      const { bytes, bytesCut } = receiveFrom(libc, far) as QueueMessage
      expect([bytes.length, bytesCut]).toEqual([LONGEST_HEADER, length > LONGEST_HEADER])
    }
  })

  it('reports that it is full, after tens of thousands of descriptors', () => {
    const { near } = queue()
    const fds = Array.from({ length: 253 }, () => near)
    let sent = 0
    while (sendTo(libc, near, Buffer.from('x'), fds) === 'sent') sent += fds.length
    expect(sent).toBeGreaterThan(50_000)
  })
})

describe(...requireOrSkip('a queue with a wake-up pipe', linuxSkipReason()), () => {
  const libc = loadLibc()

  it('gives its messages, in order, until it is closed', async () => {
    const { near, far } = openSignalledQueue(libc)
    const received: string[] = []
    const take = async (next: Next): Promise<void> => {
      for (let message = next(); message !== undefined; message = next()) {
        received.push(text(message))
        await undefined
      }
    }
    const { ended } = watchQueue(libc, far, take, unreachable)
    sendAndSignal(libc, near, Buffer.from('one'))
    sendAndSignal(libc, near, Buffer.from('two'))
    await new Promise((resolve) => setImmediate(resolve))
    sendAndSignal(libc, near, Buffer.from('three'))
    closeQueueEnd(near)
    await ended
    expect(received).toEqual(['one', 'two', 'three'])
  })

  it('can be ended at once: waiting messages are received, and no process can send any more', async () => {
    const before = descriptors()
    const { near, far } = openSignalledQueue(libc)
    const waits = vi.fn(async (next: Next) => texts(next))
    const { ended, end } = watchQueue(libc, far, waits, unreachable)
    sendAndSignal(libc, near, Buffer.from('waits'))
    const last: string[] = []
    let meanwhile = ''
    end((next) => {
      meanwhile = sendAndSignal(libc, near, Buffer.from('too late'))
      last.push(...texts(next))
    })
    expect([last, meanwhile]).toEqual([['waits'], 'gone'])
    expect(sendAndSignal(libc, near, Buffer.from('too late'))).toBe('gone')
    end(() => expect.unreachable())
    await ended
    // Later callbacks find nothing: another file may have the number of its descriptor by then.
    for (const { value } of waits.mock.results) expect(await value).toEqual([])
    closeQueueEnd(near)
    expect(descriptors()).toEqual(before)
  })

  it('goes on after a callback has failed', async () => {
    const { near, far } = openSignalledQueue(libc)
    const received: string[] = []
    let failed = (_: Error): void => {}
    const failure = new Promise<Error>((resolve) => {
      failed = resolve
    })
    const take = async (next: Next): Promise<void> => {
      received.push(...texts(next))
      if (received.length === 1) throw new Error('not this one')
    }
    const { ended } = watchQueue(libc, far, take, failed)
    sendAndSignal(libc, near, Buffer.from('one'))
    expect(await failure).toEqual(new Error('not this one'))
    sendAndSignal(libc, near, Buffer.from('two'))
    closeQueueEnd(near)
    await ended
    expect(received).toEqual(['one', 'two'])
  })
})
