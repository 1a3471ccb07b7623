import { closeSync, fstatSync } from 'node:fs'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, onTestFinished, test } from 'vitest'
import { controlSize, passFds, readAncillary } from './ancillary.ts'
import { AF_UNIX, MSG_DONTWAIT, SO_PASSCRED, SOL_SOCKET } from './constants.ts'
import { loadLibc } from './libc.ts'

const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const EAGAIN = 11

describe(...requireOrSkip('messages with descriptors', linuxSkipReason()), () => {
  const libc = loadLibc()

  function pair(): [number, number] {
    const fds = libc.socketPair(AF_UNIX, SOCK_DGRAM_CLOEXEC)
    onTestFinished(() => fds.forEach(closeSync))
    return fds
  }

  test('are received with the bytes, and refer to the same files', () => {
    const [near, far] = pair()
    const sent = [...pair(), ...pair()]
    libc.sendMessage(near, { bytes: Buffer.from('FDSTORE=1'), control: passFds(sent) })
    const message = libc.receiveMessage(far, { bytes: 64, control: controlSize(8) })
    const { fds, pid } = readAncillary(message.control)
    onTestFinished(() => fds.forEach(closeSync))
    expect(Buffer.from(message.bytes).toString()).toBe('FDSTORE=1')
    expect(fds.map((fd) => fstatSync(fd).ino)).toEqual(sent.map((fd) => fstatSync(fd).ino))
    expect(pid).toBeUndefined()
  })

  test('have the pid of the sender if the receiver asks for it', () => {
    const [near, far] = pair()
    libc.setsockopt(far, SOL_SOCKET, SO_PASSCRED, new Uint8Array([1, 0, 0, 0]))
    libc.sendMessage(near, { bytes: Buffer.from('READY=1'), control: passFds([near]) })
    const message = libc.receiveMessage(far, { bytes: 64, control: controlSize(1) })
    const { fds, pid } = readAncillary(message.control)
    onTestFinished(() => fds.forEach(closeSync))
    expect({ fds: fds.length, pid }).toEqual({ fds: 1, pid: process.pid })
  })

  test('without descriptors have no control message', () => {
    const [near, far] = pair()
    libc.sendMessage(near, { bytes: Buffer.from('STATUS='), control: passFds([]) })
    const message = libc.receiveMessage(far, { bytes: 64, control: controlSize(1) })
    expect(readAncillary(message.control)).toEqual({ fds: [], pid: undefined })
  })

  test('are waited for', async () => {
    const [near, far] = pair()
    expect(await libc.readable([far], 0)).toBe(false)
    const waiting = libc.readable([far])
    libc.sendMessage(near, { bytes: Buffer.from('x'), control: passFds([]) })
    expect(await waiting).toBe(true)
  })

  test('fail with an errno if none waits', () => {
    const [, far] = pair()
    expect(() => libc.receiveMessage(far, { bytes: 8, control: 0 }, MSG_DONTWAIT)).toThrow(
      expect.objectContaining({ syscall: 'recvmsg', errno: EAGAIN }),
    )
  })
})

test('a truncated or broken control message ends the reading', () => {
  expect(readAncillary(new Uint8Array(7))).toEqual({ fds: [], pid: undefined })
  expect(readAncillary(new Uint8Array(64))).toEqual({ fds: [], pid: undefined })
})
