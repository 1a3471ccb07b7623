import { once } from 'node:events'
import { closeSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import {
  closeAll,
  descriptors,
  isCloseOnExec,
  linkOf,
  openClient,
  openServer,
} from '../testing/real-sockets.ts'
import { type Libc, loadLibc } from './libc.ts'
import { nativeSystem } from './native.ts'

const linux = process.platform === 'linux'
const libc = linux ? loadLibc() : ({} as Libc)
const system = nativeSystem(libc)

afterEach(closeAll)

describe(...requireOrSkip('a duplicate', linuxSkipReason()), () => {
  it('is the same socket, close-on-exec, and can be closed alone', async () => {
    const { server, fd } = await openServer({ host: '127.0.0.1', port: 0 })
    const duplicate = system.duplicate(fd) ?? -1
    expect(duplicate).toBeGreaterThan(2)
    expect(linkOf(duplicate)).toBe(linkOf(fd))
    expect(isCloseOnExec(duplicate)).toBe(true)
    closeSync(duplicate)
    const { socket } = await openClient(server.address() as AddressInfo)
    await once(socket.resume(), 'end')
  })

  it('of a closed descriptor is an error that leaves nothing open', () => {
    const before = descriptors()
    expect(() => system.duplicate(1_000_000)).toThrowError(
      expect.objectContaining({
        code: 'ERR_SOCKET_PORT_SYSCALL',
        message: 'fcntl failed on fd 1000000 with errno 9; the socket is left as it is',
        syscall: 'fcntl',
        errno: 9,
        fd: 1_000_000,
      }),
    )
    expect(descriptors()).toEqual(before)
  })
})

describe(...requireOrSkip('close-on-exec', linuxSkipReason()), () => {
  it('is set', async () => {
    const F_SETFD = 2
    const { fd } = await openServer({ host: '127.0.0.1', port: 0 })
    libc.fcntl(fd, F_SETFD, 0)
    expect(isCloseOnExec(fd)).toBe(false)
    system.setCloseOnExec(fd)
    expect(isCloseOnExec(fd)).toBe(true)
  })
})

describe(...requireOrSkip('pidfdInode', linuxSkipReason()), () => {
  it('identifies this process if the kernel has inodes for pidfds, and leaves nothing open', () => {
    const before = descriptors()
    const inode = system.pidfdInode()
    if (inode !== undefined) expect(inode).toBeGreaterThanOrEqual(2n ** 32n)
    expect(system.pidfdInode()).toBe(inode)
    expect(descriptors()).toEqual(before)
  })
})
