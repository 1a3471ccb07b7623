import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { statOf } from '@socket-port/core/supervisor'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { inodeOf } from '../run/sockets.ts'
import { epollInodes, isAccepting } from './accepting.ts'
import { sessionOf } from './session.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function listening(): Promise<bigint> {
  const server = createServer().listen(0)
  servers.push(server)
  await once(server, 'listening')
  const inode = inodeOf((server as unknown as { _handle: { fd: number } })._handle.fd)
  await polled()
  return inode
}

// libuv tells the kernel when the event loop next waits, which it does between two of them.
async function polled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
}

describe('epollInodes', () => {
  it('reads what an epoll instance watches', () => {
    const fdinfo =
      'pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n' +
      'tfd:       11 events:       19 data:                b  pos:0 ino:177f087 sdev:f\n' +
      'tfd:       13 events:       19 data:                d  pos:0 ino:40e sdev:10\n'
    expect(epollInodes(fdinfo)).toEqual([0x177f087n, 0x40en])
  })

  it.each(['', 'pos:\t0\nino:\t1038\n'])('nothing in %j', (fdinfo) => {
    expect(epollInodes(fdinfo)).toEqual([])
  })
})

describe(...requireOrSkip('isAccepting', linuxSkipReason()), () => {
  it('sees a server that waits, and none on another socket', async () => {
    const { session = 0 } = statOf(process.pid) ?? {}
    const inode = await listening()
    expect(isAccepting(session, new Set([inode]))).toBe(true)
    expect(isAccepting(session, new Set([1n]))).toBe(false)
    servers.pop()?.close()
    await polled()
    expect(isAccepting(session, new Set([inode]))).toBe(false)
  })

  it('a process that is gone has no session', () => {
    expect(sessionOf(2 ** 22)).toEqual([])
    const { session = 0 } = statOf(process.pid) ?? {}
    expect(sessionOf(session)).toContain(process.pid)
  })
})
