import { describe, expect, it } from 'vitest'
import { NO_FACTS } from '../sockets/facts.ts'
import type { Candidate } from './candidate.ts'
import { hasExactAddress } from './exact-address.ts'
import type { Wanted } from './match.ts'

const socket = (facts: Partial<Candidate>): Candidate => ({
  ...NO_FACTS,
  fd: 3,
  name: 'unknown',
  origin: 'passed',
  state: { kind: 'unclaimed' },
  ...facts,
})

const dual = socket({ family: 'IPv6', address: '::', port: 80, ipv6Only: false })
const local = socket({ family: 'IPv4', address: '127.0.0.1', port: 80 })
const only6 = socket({ family: 'IPv6', address: '::', port: 80, ipv6Only: true })
const unix = socket({ family: 'unix', path: '/run/a' })

const wanted = (changes: Partial<Wanted>): Wanted => ({
  port: 0,
  portGiven: true,
  host: undefined,
  path: undefined,
  name: undefined,
  ipv6Only: false,
  shared: false,
  ...changes,
})

describe('hasExactAddress', () => {
  it.each<[string, Candidate, Partial<Wanted>, boolean]>([
    ['the port alone', dual, { port: 80 }, true],
    ['another port', dual, { port: 81 }, false],
    ['any port', dual, { port: 0 }, false],
    ['a host that the wildcard covers', dual, { port: 80, host: '127.0.0.1' }, true],
    ['localhost', dual, { port: 80, host: 'localhost' }, true],
    ['a name whose addresses are not known', local, { port: 80, host: 'example.com' }, true],
    ['every address, of which the socket has one', local, { port: 80, host: '0.0.0.0' }, true],
    ['another address', local, { port: 80, host: '127.0.0.2' }, false],
    ['IPv4 of a socket for IPv6 alone', only6, { port: 80, host: '127.0.0.1' }, false],
    ['the path', unix, { path: '/run/a' }, true],
    ['another path', unix, { path: '/run/b' }, false],
    ['a port of a unix socket', unix, { port: 80 }, false],
  ])('%s', (_, candidate, changes, expected) => {
    expect(hasExactAddress(wanted(changes))(candidate)).toBe(expected)
  })
})
