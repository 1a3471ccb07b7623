import { describe, expect, it } from 'vitest'
import { parseNotifyAddress } from './address.ts'

describe('parseNotifyAddress', () => {
  it.each([
    ['/run/systemd/notify', { kind: 'unix', path: '/run/systemd/notify' }],
    ['/a', { kind: 'unix', path: '/a' }],
    [`/${'x'.repeat(106)}`, { kind: 'unix', path: `/${'x'.repeat(106)}` }],
    ['@org/manager', { kind: 'unix', path: '\0org/manager' }],
    [`@${'x'.repeat(106)}`, { kind: 'unix', path: `\0${'x'.repeat(106)}` }],
    ['vsock:2:9999', { kind: 'vsock', cid: 2, port: 9999, type: undefined }],
    ['vsock-stream:2:1', { kind: 'vsock', cid: 2, port: 1, type: 'stream' }],
    ['vsock-dgram:0:1', { kind: 'vsock', cid: 0, port: 1, type: 'dgram' }],
    [
      'vsock-seqpacket:4294967294:4294967294',
      { kind: 'vsock', cid: 4294967294, port: 4294967294, type: 'seqpacket' },
    ],
  ])('reads %s', (text, address) => {
    expect(parseNotifyAddress(text)).toEqual(address)
  })

  it.each([
    '',
    '/',
    '@',
    'run/notify',
    './notify',
    'vsock:',
    'vsock:2',
    'vsock:2:',
    'vsock::9',
    'vsock:2:9:1',
    'vsock:-1:9',
    'vsock:4294967295:9',
    'vsock:2:4294967295',
    'vsock-raw:2:9',
    'vsock:99999999999:1',
    'unix:/run/notify',
    '/run\0/notify',
    '@a\0b',
  ])('refuses %j', (text) => {
    expect(parseNotifyAddress(text)).toMatch(
      /^NOTIFY_SOCKET is ".*", which is not an absolute path, an abstract @name or vsock:CID:PORT$/,
    )
  })

  it.each([
    ['/', 'x'],
    ['@', 'x'],
    ['/', '\u00e9'],
  ])('refuses %s with too many bytes of %s', (first, rest) => {
    const text = first + rest.repeat(107 / Buffer.byteLength(rest))
    const exact = Buffer.byteLength(text) > 107 ? text : `${text}x`
    expect(parseNotifyAddress(exact)).toMatch(/, 108 bytes long; .* has at most 107$/)
  })
})
