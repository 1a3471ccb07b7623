import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import type { StoredContinuation } from '../continue/stored.ts'
import { MOST_CONTINUED } from '../drain/idle/transfer.ts'
import { int32, SO_SNDBUF, SOL_SOCKET } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { readBatchHeader, writeBatchHeader } from './batch-header.ts'
import { readContinuations, writeContinuations } from './continuation-file.ts'
import { openQueue, receiveFrom, sendTo } from './fd-queue.ts'

const continuation = (secret: string): StoredContinuation => ({
  kind: 'webSockets',
  replay: Buffer.from(`GET / HTTP/1.1\r\nCookie: ${secret}\r\n\r\n`),
  framing: '101',
  refusal: Buffer.from([0x88, 0]),
  attachment: undefined,
})

describe(...requireOrSkip('what the next process needs of connections', linuxSkipReason()), () => {
  it('is read as it was written, whatever its size', () => {
    const written = Array.from({ length: 252 }, (_, n) => ({
      ...continuation(`secret ${n}`),
      attachment: Buffer.alloc(n * 100, n),
    }))
    const { fd, key } = writeContinuations(loadLibc(), written)
    const read = readContinuations(fd, key)
    closeSync(fd)
    expect(read.length).toBe(252)
    for (const [n, { replay, attachment }] of read.entries()) {
      expect(Buffer.from(replay).equals(written[n]?.replay ?? Buffer.alloc(0))).toBe(true)
      expect(attachment?.length).toBe(n * 100)
    }
  })

  it('is in a file without a name, and cannot be read without the key', () => {
    const { fd } = writeContinuations(loadLibc(), [continuation('hunter2')])
    expect(fstatSync(fd).nlink).toBe(0)
    expect(readFileSync(`/proc/self/fd/${fd}`).toString('latin1')).not.toMatch(/hunter2|Cookie|GET/)
    closeSync(fd)
  })

  it.each([
    ['another key', (_: number) => {}, () => Buffer.alloc(32).toString('base64'), /./],
    ['a key that is none', () => {}, () => 'x', /./],
    ['bytes that were changed', (fd: number) => void writeSync(fd, 'x', 3), undefined, /./],
    ['a file that was cut', (fd: number) => ftruncateSync(fd, 40), undefined, /./],
    [
      'a file that is empty',
      (fd: number) => ftruncateSync(fd, 0),
      undefined,
      /their file has 0 bytes/,
    ],
  ])('is refused with %s', (_, change, otherKey, message) => {
    const { fd, key } = writeContinuations(loadLibc(), [continuation('x')])
    change(fd)
    expect(() => readContinuations(fd, otherKey?.() ?? key)).toThrow(message)
    closeSync(fd)
  })

  it('is refused if the descriptor is no file', () => {
    const fd = openSync('/dev/null', 'r')
    expect(() => readContinuations(fd, '')).toThrow('their file has 0 bytes')
    closeSync(fd)
  })

  it('fits for 10,000 connections with 1 KB each into a queue of the size that kernels allow by default', () => {
    const libc = loadLibc()
    const { near, far } = openQueue(libc)
    // net.core.wmem_max of a kernel whose administrator has changed nothing.
    libc.setsockopt(near, SOL_SOCKET, SO_SNDBUF, int32(212_992))
    const connection = openSync('/dev/null', 'r')
    const batch = Array.from({ length: MOST_CONTINUED }, () => ({
      ...continuation('x'.repeat(600)),
      attachment: Buffer.alloc(1_024),
    }))
    const connections = batch.map(() => connection)
    let sent = 0
    for (; sent < 10_000; sent += MOST_CONTINUED) {
      const { fd, key } = writeContinuations(libc, batch)
      const header = writeBatchHeader({ kind: 'continued', connections: MOST_CONTINUED, key })
      expect(sendTo(libc, near, header, [fd, ...connections])).toBe('sent')
      closeSync(fd)
    }
    let received = 0
    for (;;) {
      const { bytes, fds } = receiveFrom(libc, far) ?? { fds: [] }
      const [file] = fds
      if (bytes === undefined || file === undefined) break
      const header = readBatchHeader(bytes)
      if (typeof header === 'string' || header.kind !== 'continued') throw new Error(`${header}`)
      received += readContinuations(file, header.key).length
      for (const fd of fds) closeSync(fd)
    }
    for (const fd of [near, far, connection]) closeSync(fd)
    expect(received).toBe(sent)
  })
})
