import { describe, expect, it } from 'vitest'
import { overlap } from './overlap.ts'

describe('overlap', () => {
  it.each([
    // The same family.
    ['127.0.0.1', '127.0.0.1', 'certain'],
    ['127.0.0.1', '127.0.0.3', 'none'],
    ['127.0.0.1', '0.0.0.0', 'certain'],
    ['0.0.0.0', '127.0.0.1', 'certain'],
    ['::1', '::1', 'certain'],
    ['::1', '::2', 'none'],
    ['::1', '::', 'certain'],
    ['::', '::1', 'certain'],
    ['FE80::1%lo', 'fe80::1', 'certain'],
    // Both families.
    [undefined, '127.0.0.1', 'certain'],
    [undefined, '::1', 'certain'],
    ['::', '0.0.0.0', 'certain'],
    ['127.0.0.1', '::', 'possible'],
    ['0.0.0.0', '::', 'possible'],
    ['127.0.0.1', '::1', 'none'],
    ['::1', '127.0.0.1', 'none'],
    ['::1', '0.0.0.0', 'none'],
    // Mapped addresses.
    ['::ffff:127.0.0.1', '127.0.0.1', 'certain'],
    ['127.0.0.1', '::ffff:127.0.0.1', 'certain'],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.3', 'none'],
    // A system that does not tell the address.
    ['127.0.0.1', undefined, 'certain'],
  ] as const)('of a bind to %s with a socket at %s: %s', (address, taken, expected) => {
    expect(overlap({ address, ipv6Only: false }, { address: taken })).toBe(expected)
  })

  it('of a bind for IPv6 alone with a socket of IPv4: none', () => {
    expect(overlap({ address: '::', ipv6Only: true }, { address: '0.0.0.0' })).toBe('none')
    expect(overlap({ address: undefined, ipv6Only: true }, { address: '127.0.0.1' })).toBe('none')
    expect(overlap({ address: undefined, ipv6Only: true }, { address: '::1' })).toBe('certain')
  })

  it('is certain if the IPV6_V6ONLY of the socket is known', () => {
    const place = { address: '127.0.0.1', ipv6Only: false }
    expect(overlap(place, { address: '::', ipv6Only: true })).toBe('none')
    expect(overlap(place, { address: '::', ipv6Only: false })).toBe('certain')
  })
})
