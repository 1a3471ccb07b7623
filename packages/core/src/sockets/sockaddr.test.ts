import { describe, expect, it } from 'vitest'
import { ipv6, parseSockaddr } from './sockaddr.ts'

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const ascii = (text: string): string => Buffer.from(text).toString('hex')

const LOOPBACK6 = '00000000 00000000 00000000 00000001'
const UNIX = '0100'

describe('parseSockaddr', () => {
  it.each([
    ['IPv4', '0200 1f90 7f000001 0000000000000000', '127.0.0.1', 8080],
    ['IPv4', '0200 0000 00000000 0000000000000000', '0.0.0.0', 0],
    ['IPv4', '0200 ffff ffffffff', '255.255.255.255', 65_535],
    ['IPv6', `0a00 0050 00000000 ${LOOPBACK6} 00000000`, '::1', 80],
    ['IPv6', `0a00 0050 00000000 ${'00'.repeat(16)} 00000000`, '::', 80],
    [
      'IPv6',
      '0a00 0050 00000000 fe80000000000000 02155dfffe000001 02000000',
      'fe80::215:5dff:fe00:1',
      80,
    ],
  ])('reads %s: %s', (family, bytes, address, port) => {
    expect(parseSockaddr(hex(bytes), true)).toEqual({ family, address, port })
  })

  it('reads the family in the order of the machine, the port in that of the network', () => {
    const bytes = hex('0002 1f90 7f000001')
    expect(parseSockaddr(bytes, false)).toEqual({
      family: 'IPv4',
      address: '127.0.0.1',
      port: 8080,
    })
    expect(parseSockaddr(bytes, true)).toEqual({ family: undefined })
  })

  it.each([
    ['a path', UNIX + ascii('/run/app.sock\0'), '/run/app.sock'],
    ['a path that fills its field', UNIX + ascii(`/${'a'.repeat(107)}`), `/${'a'.repeat(107)}`],
    ['what follows the path', UNIX + ascii('/run/app.sock\0\0rest'), '/run/app.sock'],
    ['a path of more than one byte a letter', UNIX + ascii('/run/äpp\0'), '/run/äpp'],
    ['an abstract name', UNIX + ascii('\0app'), '@app'],
    ['an abstract name that Node 20 filled up', UNIX + ascii(`\0app${'\0'.repeat(104)}`), '@app'],
  ])('reads a unix socket: %s', (_, bytes, path) => {
    expect(parseSockaddr(hex(bytes), true)).toEqual({ family: 'unix', path })
  })

  it('finds no path of an unnamed unix socket', () => {
    expect(parseSockaddr(hex(UNIX), true)).toEqual({ family: 'unix' })
  })

  it.each(['', '02', '1000 00000000', '2800 0000 ffffffff'])(
    'reads no other family: %j',
    (bytes) => {
      expect(parseSockaddr(hex(bytes), true)).toEqual({ family: undefined })
    },
  )

  it('reads a view into a larger buffer', () => {
    const bytes = hex('ffff 0200 1f90 7f000001').subarray(2)
    expect(parseSockaddr(bytes, true)).toMatchObject({ address: '127.0.0.1', port: 8080 })
  })
})

describe('ipv6', () => {
  it.each([
    ['00000000000000000000000000000000', '::'],
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['00000000000000000000ffff7f000001', '::ffff:127.0.0.1'],
    ['ffffffffffffffffffffffffffffffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ])('writes %s as RFC 5952 does', (bytes, text) => {
    expect(ipv6(hex(bytes))).toBe(text)
  })
})
