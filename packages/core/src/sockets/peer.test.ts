import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { peerOf } from './peer.ts'

describe(...requireOrSkip('peerOf', linuxSkipReason()), () => {
  it('returns the process that listens', async () => {
    const server = createServer().listen(`\0socket-port-peer-${process.pid}`)
    await once(server, 'listening')
    const socket = connect(server.address() as string)
    await once(socket, 'connect')
    expect(peerOf(fdOf(socket))).toEqual({
      pid: process.pid,
      uid: process.geteuid?.(),
      gid: process.getegid?.(),
    })
    socket.destroy()
    server.close()
  })

  it('returns undefined if the kernel does not know the peer', () => {
    expect(peerOf(0, { getsockopt: () => undefined })).toBeUndefined()
    expect(peerOf(0, { getsockopt: () => new Uint8Array(4) })).toBeUndefined()
  })
})

const fdOf = (socket: Socket): number =>
  (socket as unknown as { _handle: { fd: number } })._handle.fd
