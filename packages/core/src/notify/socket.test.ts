import { openSync } from 'node:fs'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { SocketPortError } from '../base/errors.ts'
import type { Libc } from '../sockets/libc.ts'
import { descriptors } from '../testing/real-sockets.ts'
import { parseNotifyAddress } from './address.ts'
import { sendDatagram } from './socket.ts'

const ENODEV = 19
const ESOCKTNOSUPPORT = 94
const ETIMEDOUT = 110
const failed = (syscall: string, errno: number): SocketPortError =>
  new SocketPortError('ERR_SOCKET_PORT_SYSCALL', 'no', { syscall, errno })

const hexOf = ({ buffer }: Uint16Array | Uint32Array): string => Buffer.from(buffer).toString('hex')

/** A libc whose kernel has these types of AF_VSOCK. */
function virtualMachine(types: number[], connectErrors: number[] = []) {
  const calls: unknown[][] = []
  const libc = {
    socket(domain: number, type: number) {
      calls.push(['socket', domain, type & 0xf])
      if (!types.includes(type & 0xf)) throw failed('socket', ENODEV)
      return openSync('/dev/null', 'r')
    },
    setsockopt(_: number, level: number, option: number, value: Uint8Array) {
      calls.push(['setsockopt', level, option, new BigInt64Array(value.slice().buffer)[1]])
    },
    connect(_: number, address: Uint8Array) {
      calls.push(['connect', Buffer.from(address).toString('hex')])
      const errno = connectErrors.shift()
      if (errno !== undefined) throw failed('connect', errno)
    },
    sendMessage(_: number, { bytes }: { bytes: Uint8Array }, flags: number) {
      calls.push(['send', Buffer.from(bytes).toString(), flags])
    },
  }
  return { libc: libc as unknown as Libc, calls }
}

const send = (libc: Libc, address: string): void => {
  const parsed = parseNotifyAddress(address)
  if (typeof parsed === 'string') throw new Error(parsed)
  sendDatagram(libc, parsed, { bytes: Buffer.from('READY=1'), fds: [] })
}

describe('sendDatagram to a vsock', () => {
  // struct sockaddr_vm, in the byte order of the machine: family 40, reserved, port 9999, cid 2.
  const family = hexOf(new Uint16Array([40, 0]))
  const to = ['connect', family + hexOf(new Uint32Array([9999, 2, 0]))]
  const bounded = [
    ['setsockopt', 40, 6, 250_000n],
    ['setsockopt', 1, 21, 250_000n],
  ]
  const sent = ['send', 'READY=1', 0x40]

  it.each([
    ['vsock:2:9999', [2, 5, 1], [2]],
    ['vsock:2:9999', [5, 1], [2, 5]],
    ['vsock:2:9999', [1], [2, 5, 1]],
    ['vsock-stream:2:9999', [2, 5, 1], [1]],
    ['vsock-seqpacket:2:9999', [2, 5, 1], [5]],
  ])('%s, where the kernel has the types %j, tries %j', (address, types, tried) => {
    const open = descriptors().length
    const { libc, calls } = virtualMachine(types)
    send(libc, address)
    expect(calls).toEqual([...tried.map((type) => ['socket', 40, type]), ...bounded, to, sent])
    expect(descriptors()).toHaveLength(open)
  })

  it('tries no other type than the one that was asked for', () => {
    const { libc } = virtualMachine([5, 1])
    expect(() => send(libc, 'vsock-dgram:2:9999')).toThrow(
      expect.objectContaining({ syscall: 'socket', errno: ENODEV }),
    )
  })

  it('tries the next type if the kernel refuses one only at connect', () => {
    const open = descriptors().length
    const { libc, calls } = virtualMachine([2, 5, 1], [ESOCKTNOSUPPORT, ENODEV])
    send(libc, 'vsock:2:9999')
    expect(calls.filter(([call]) => call === 'socket').map(([, , type]) => type)).toEqual([2, 5, 1])
    expect(calls.at(-1)).toEqual(sent)
    expect(descriptors()).toHaveLength(open)
  })

  it('leaves nothing open if the connect fails', () => {
    const open = descriptors().length
    const { libc } = virtualMachine([1], [ETIMEDOUT])
    expect(() => send(libc, 'vsock:2:9999')).toThrow(expect.objectContaining({ errno: ETIMEDOUT }))
    expect(descriptors()).toHaveLength(open)
  })
})

describe(...requireOrSkip('sendDatagram', linuxSkipReason()), () => {
  it('closes its socket when it cannot send', async () => {
    const { loadLibc } = await import('../sockets/libc.ts')
    const open = descriptors().length
    expect(() => send(loadLibc(), '/nowhere/notify')).toThrow(/connect failed/)
    expect(descriptors()).toHaveLength(open)
  })
})
