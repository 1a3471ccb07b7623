import { closeSync, fstatSync } from 'node:fs'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { passFds } from '../sockets/ancillary.ts'
import { AF_UNIX, SOCK_DGRAM } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { closeAll, descriptors, onClose, openServer } from '../testing/real-sockets.ts'
import type { Notification } from './notification.ts'
import { type NotifySocket, openNotifySocket } from './notify-socket.ts'

afterEach(closeAll)

describe(...requireOrSkip('openNotifySocket', linuxSkipReason()), () => {
  it('delivers each message with its sender and its descriptors', async () => {
    const { socket, received } = open()
    const { fd } = await openServer({ port: 0 })
    send(socket, 'READY=1\nSTATUS=a=b\nno assignment\nSTATUS=c')
    send(socket, 'FDSTORE=1\nFDNAME=web', [fd])
    await socket.close()
    expect(received).toHaveLength(2)
    expect(received[0]).toMatchObject({ pid: process.pid, fds: [] })
    expect([...(received[0]?.fields ?? [])]).toEqual([
      ['READY', '1'],
      ['STATUS', 'c'],
    ])
    const [sent] = received[1]?.fds ?? []
    expect(fstatSync(sent as number).ino).toBe(fstatSync(fd).ino)
    closeSync(sent as number)
  })

  it('delivers a message that arrives while it waits, and goes on', async () => {
    const waiting: ((message: Notification) => void)[] = []
    const socket = openNotifySocket((message) => waiting.shift()?.(message))
    onClose(() => socket.close())
    for (const text of ['READY=1', 'STOPPING=1']) {
      const next = new Promise<Notification>((resolve) => waiting.push(resolve))
      send(socket, text)
      expect([...(await next).fields].join('=')).toBe(text.replace('=', ','))
    }
  })

  it('delivers at readNow() what has arrived, once, and nothing when it is closed', async () => {
    const { socket, received } = open()
    send(socket, 'STATUS=last words')
    socket.readNow()
    expect(received.map(({ fields }) => fields.get('STATUS'))).toEqual(['last words'])
    socket.readNow()
    await socket.close()
    socket.readNow()
    expect(received).toHaveLength(1)
  })

  it('leaves no descriptor open, and closes once', async () => {
    const before = descriptors()
    const { socket } = open()
    await Promise.all([socket.close(), socket.close()])
    expect(descriptors()).toEqual(before)
  })

  it('has an abstract address of its own', async () => {
    const { socket } = open()
    const { socket: other } = open()
    expect(socket.address).toMatch(/^@socket-port\/\d+\/[0-9a-f]{16}$/)
    expect(other.address).not.toBe(socket.address)
  })
})

function open(): { socket: NotifySocket; received: Notification[] } {
  const received: Notification[] = []
  const socket = openNotifySocket((message) => received.push(message))
  onClose(() => socket.close())
  return { socket, received }
}

function send({ address }: NotifySocket, text: string, fds: number[] = []): void {
  const libc = loadLibc()
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM, 0)
  const name = new TextEncoder().encode(`\0${address.slice(1)}`)
  libc.connect(fd, new Uint8Array([AF_UNIX, 0, ...name]))
  libc.sendMessage(fd, { bytes: new TextEncoder().encode(text), control: passFds(fds) })
  closeSync(fd)
}
