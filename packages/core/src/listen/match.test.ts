import { describe, expect, it } from 'vitest'
import { type Candidate, describeCandidate, type SocketState } from './candidate.ts'
import { inTheWay, matchSocket, type Wanted } from './match.ts'

const wanted = (request: Partial<Wanted>): Wanted => ({
  port: 0,
  portGiven: request.port !== undefined,
  host: undefined,
  path: undefined,
  name: undefined,
  ipv6Only: false,
  shared: false,
  ...request,
})

const TAKEN: SocketState = { kind: 'taken', takers: 1 }

const socket = (fd: number, facts: Partial<Candidate>): Candidate => ({
  fd,
  name: 'unknown',
  origin: 'passed',
  state: { kind: 'unclaimed' },
  family: undefined,
  stream: true,
  listening: true,
  address: undefined,
  port: undefined,
  path: undefined,
  ipv6Only: undefined,
  backlog: undefined,
  queueLength: undefined,
  ...facts,
})

const v4 = (fd: number, port: number, facts: Partial<Candidate> = {}): Candidate =>
  socket(fd, { family: 'IPv4', address: '0.0.0.0', port, ...facts })

const v6 = (fd: number, port: number, facts: Partial<Candidate> = {}): Candidate =>
  socket(fd, { family: 'IPv6', address: '::', port, ipv6Only: false, ...facts })

const unix = (fd: number, path: string, facts: Partial<Candidate> = {}): Candidate =>
  socket(fd, { family: 'unix', path, ...facts })

/** The fd that is taken; `none`, or the fds among which nothing decides. */
function outcome(request: Partial<Wanted>, sockets: Candidate[]): number | string {
  const match = matchSocket(wanted(request), sockets)
  if (match.kind === 'match') return match.socket.fd
  return match.kind === 'none' ? 'none' : match.candidates.map(({ fd }) => fd).join('|')
}

function warning(request: Partial<Wanted>, sockets: Candidate[]): string | undefined {
  const match = matchSocket(wanted(request), sockets)
  if (match.kind === 'ambiguous') throw new Error('ambiguous')
  return match.warning
}

interface Row {
  why: string
  request: Partial<Wanted>
  sockets: Candidate[]
  takes: number | string
}

const rows: Row[] = [
  // By port.
  { why: 'nothing passed', request: { port: 80 }, sockets: [], takes: 'none' },
  { why: 'the exact port', request: { port: 80 }, sockets: [v6(3, 443), v6(4, 80)], takes: 4 },
  { why: 'in any order', request: { port: 80 }, sockets: [v6(3, 80), v6(4, 443)], takes: 3 },
  { why: 'no other port', request: { port: 81 }, sockets: [v6(3, 443), v6(4, 80)], takes: 'none' },
  { why: 'a sole socket of any port', request: { port: 81 }, sockets: [v6(3, 80)], takes: 3 },
  { why: 'a sole socket for any port', request: {}, sockets: [v6(3, 80)], takes: 3 },
  { why: 'no sole socket for port 0', request: { port: 0 }, sockets: [v6(3, 80)], takes: 'none' },
  {
    why: 'the sole socket of a name for port 0',
    request: { port: 0, name: 'web' },
    sockets: [v6(3, 80, { name: 'web' })],
    takes: 3,
  },
  { why: 'no guess for any port', request: {}, sockets: [v6(3, 80), v6(4, 81)], takes: 'none' },
  {
    why: 'a unix socket never by port',
    request: { port: 80 },
    sockets: [unix(3, '/a'), v4(4, 81)],
    takes: 'none',
  },
  // Taken ones.
  {
    why: 'not a taken socket',
    request: { port: 80 },
    sockets: [v6(3, 80, { state: TAKEN })],
    takes: 'none',
  },
  {
    why: 'a taken socket if it may be shared',
    request: { port: 80, shared: true },
    sockets: [v6(3, 80, { state: TAKEN })],
    takes: 3,
  },
  {
    why: 'not the one that is left, after the right one was taken',
    request: { port: 80 },
    sockets: [v6(3, 80, { state: TAKEN }), v6(4, 81)],
    takes: 'none',
  },
  {
    why: 'by exact port before a sole free one',
    request: { port: 81 },
    sockets: [v6(3, 80, { state: TAKEN }), v6(4, 81)],
    takes: 4,
  },
  // By name.
  {
    why: 'the name, whatever its port',
    request: { port: 8080, name: 'admin' },
    sockets: [v6(3, 80, { name: 'web' }), v6(4, 81, { name: 'admin' })],
    takes: 4,
  },
  {
    why: 'the name alone',
    request: { name: 'web' },
    sockets: [v6(3, 80, { name: 'web' }), v6(4, 81, { name: 'admin' })],
    takes: 3,
  },
  {
    why: 'the exact port before the name',
    request: { port: 80, name: 'admin' },
    sockets: [v6(3, 80, { name: 'web' }), v6(4, 81, { name: 'admin' })],
    takes: 3,
  },
  {
    why: 'the name among equal ports',
    request: { port: 80, name: 'b' },
    sockets: [v4(3, 80, { name: 'a', address: '10.0.0.1' }), v4(4, 80, { name: 'b' })],
    takes: 4,
  },
  {
    why: 'a sole nameless socket for a name',
    request: { name: 'web' },
    sockets: [v6(3, 80)],
    takes: 3,
  },
  {
    why: 'not a sole socket of another name',
    request: { port: 81, name: 'web' },
    sockets: [v6(3, 80, { name: 'admin' })],
    takes: 'none',
  },
  {
    why: 'neither of two with the name',
    request: { name: 'web' },
    sockets: [v6(3, 80, { name: 'web' }), v6(4, 81, { name: 'web' })],
    takes: '3|4',
  },
  {
    why: 'of two with the name the one with the port',
    request: { port: 81, name: 'web' },
    sockets: [v6(3, 80, { name: 'web' }), v6(4, 81, { name: 'web' })],
    takes: 4,
  },
  {
    why: 'of two with the name the one with the host',
    request: { name: 'web', host: '::' },
    sockets: [v4(3, 80, { name: 'web' }), v6(4, 81, { name: 'web' })],
    takes: 4,
  },
  {
    why: 'not a taken socket by name',
    request: { name: 'web' },
    sockets: [v6(3, 80, { name: 'web', state: TAKEN }), v6(4, 81, { name: 'admin' })],
    takes: 'none',
  },
  // By path.
  {
    why: 'the path',
    request: { path: '/b' },
    sockets: [unix(3, '/a'), unix(4, '/b')],
    takes: 4,
  },
  {
    why: 'an abstract name',
    request: { path: '@b' },
    sockets: [unix(3, 'b'), unix(4, '@b')],
    takes: 4,
  },
  {
    why: 'no other path',
    request: { path: '/c' },
    sockets: [unix(3, '/a'), unix(4, '/b')],
    takes: 'none',
  },
  {
    why: 'a sole socket of another path',
    request: { path: '/c' },
    sockets: [unix(3, '/a')],
    takes: 3,
  },
  { why: 'a sole TCP socket for a path', request: { path: '/c' }, sockets: [v6(3, 80)], takes: 3 },
  {
    why: 'the name where no path fits',
    request: { path: '/c', name: 'web' },
    sockets: [unix(3, '/a', { name: 'web' }), unix(4, '/b')],
    takes: 3,
  },
  // By host and family.
  {
    why: 'the exact address',
    request: { port: 80, host: '127.0.0.1' },
    sockets: [v4(3, 80), v4(4, 80, { address: '127.0.0.1' })],
    takes: 4,
  },
  {
    why: 'the exact address of IPv6',
    request: { port: 80, host: '::1' },
    sockets: [v6(3, 80, { ipv6Only: true }), v6(4, 80, { address: '::1' })],
    takes: 4,
  },
  {
    why: 'a wildcard that covers the address',
    request: { port: 80, host: '127.0.0.1' },
    sockets: [v6(3, 80, { ipv6Only: true }), v4(4, 80)],
    takes: 4,
  },
  {
    why: 'a dual-stack socket that covers an IPv4 address',
    request: { port: 80, host: '127.0.0.1' },
    sockets: [v4(3, 80, { address: '10.0.0.1' }), v6(4, 80)],
    takes: 4,
  },
  {
    why: 'the IPv6 wildcard for an IPv6 address',
    request: { port: 80, host: '::1' },
    sockets: [v4(3, 80), v6(4, 80, { ipv6Only: true })],
    takes: 4,
  },
  {
    why: 'the IPv4 wildcard when it is asked for',
    request: { port: 80, host: '0.0.0.0' },
    sockets: [v6(3, 80, { ipv6Only: true }), v4(4, 80)],
    takes: 4,
  },
  {
    why: 'localhost as 127.0.0.1',
    request: { port: 80, host: 'localhost' },
    sockets: [v4(3, 80, { address: '10.0.0.1' }), v4(4, 80, { address: '127.0.0.1' })],
    takes: 4,
  },
  {
    why: 'localhost as ::1',
    request: { port: 80, host: 'localhost' },
    sockets: [v6(3, 80, { address: '::2' }), v6(4, 80, { address: '::1' })],
    takes: 4,
  },
  {
    why: 'the IPv6 socket for ipv6Only',
    request: { port: 80, ipv6Only: true },
    sockets: [v4(3, 80), v6(4, 80, { ipv6Only: true })],
    takes: 4,
  },
  {
    why: 'neither of two families',
    request: { port: 80 },
    sockets: [v4(3, 80), v6(4, 80, { ipv6Only: true })],
    takes: '3|4',
  },
  {
    why: 'the other family once one is taken',
    request: { port: 80 },
    sockets: [v4(3, 80, { state: TAKEN }), v6(4, 80, { ipv6Only: true })],
    takes: 4,
  },
  {
    why: 'an exact port at an address that was not asked for',
    request: { port: 80, host: '10.0.0.9' },
    sockets: [v4(3, 80, { address: '10.0.0.1' }), v4(4, 81)],
    takes: 3,
  },
  // SO_REUSEPORT groups.
  {
    why: 'the first of a group',
    request: { port: 80 },
    sockets: [v6(3, 80), v6(4, 80), v6(5, 80)],
    takes: 3,
  },
  {
    why: 'the next of a group',
    request: { port: 80 },
    sockets: [v6(3, 80, { state: TAKEN }), v6(4, 80), v6(5, 80)],
    takes: 4,
  },
  {
    why: 'no more than a group has',
    request: { port: 80 },
    sockets: [v6(3, 80, { state: TAKEN }), v6(4, 80, { state: TAKEN })],
    takes: 'none',
  },
  {
    why: 'neither of a group with two names',
    request: { port: 80 },
    sockets: [v6(3, 80, { name: 'a' }), v6(4, 80, { name: 'b' })],
    takes: '3|4',
  },
]

describe('matchSocket', () => {
  it.each(rows)('$why', ({ request, sockets, takes }) => {
    expect(outcome(request, sockets)).toBe(takes)
  })

  it('chooses the same socket in any order, except within a group', () => {
    for (const { why, request, sockets, takes } of rows) {
      if (why.includes('group')) continue
      const expected = typeof takes === 'string' ? takes.split('|').reverse().join('|') : takes
      expect(outcome(request, sockets.toReversed()), why).toBe(expected)
    }
  })
})

describe('the warning of matchSocket', () => {
  it.each<{ request: Partial<Wanted>; sockets: Candidate[] }>([
    { request: { port: 80 }, sockets: [v6(3, 80)] },
    { request: {}, sockets: [v6(3, 80)] },
    { request: { port: 80, host: '::' }, sockets: [v6(3, 80)] },
    { request: { port: 80, host: '0.0.0.0' }, sockets: [v6(3, 80)] },
    { request: { port: 80, host: '127.0.0.1' }, sockets: [v4(3, 80, { address: '127.0.0.1' })] },
    { request: { port: 80, host: 'app.example' }, sockets: [v6(3, 80)] },
    { request: { name: 'web' }, sockets: [v6(3, 80, { name: 'web' })] },
    { request: { path: '/a' }, sockets: [unix(3, '/a')] },
    { request: { path: '/a', host: '127.0.0.1' }, sockets: [unix(3, '/a')] },
    { request: { port: 80 }, sockets: [] },
    { request: { port: 80 }, sockets: [v6(3, 80, { state: TAKEN })] },
  ])('is silent where nothing differs: $request', ({ request, sockets }) => {
    expect(warning(request, sockets)).toBeUndefined()
  })

  it.each<{ asked: string; request: Partial<Wanted>; sole: Candidate; is: string }>([
    {
      asked: 'port 81',
      request: { port: 81 },
      sole: v6(3, 80, { name: 'web' }),
      is: 'fd 3 "web" [::]:80',
    },
    {
      asked: 'path /b',
      request: { path: '/b' },
      sole: unix(3, '/a'),
      is: 'fd 3 unix:/a',
    },
    {
      asked: 'path /b',
      request: { path: '/b' },
      sole: v4(3, 80),
      is: 'fd 3 0.0.0.0:80',
    },
    {
      asked: 'port 81',
      request: { port: 81, host: '127.0.0.1' },
      sole: socket(3, { family: 'unix' }),
      is: 'fd 3 unix:(unnamed)',
    },
    {
      asked: 'name "web"',
      request: { port: 80, name: 'web' },
      sole: v6(3, 80, { name: 'admin' }),
      is: 'fd 3 "admin" [::]:80',
    },
    {
      asked: 'host 127.0.0.1',
      request: { port: 80, host: '127.0.0.1' },
      sole: v4(3, 80),
      is: 'fd 3 0.0.0.0:80',
    },
    {
      asked: 'host localhost',
      request: { port: 80, host: 'localhost' },
      sole: v6(3, 80),
      is: 'fd 3 [::]:80',
    },
    {
      asked: 'host 0.0.0.0',
      request: { port: 80, host: '0.0.0.0' },
      sole: v6(3, 80, { ipv6Only: true }),
      is: 'fd 3 [::]:80',
    },
    {
      asked: 'port 81, name "web", host ::1',
      request: { port: 81, name: 'web', host: '::1' },
      sole: v6(3, 80),
      is: 'fd 3 [::]:80',
    },
  ])('says that $asked was asked for and $is is used', ({ asked, request, sole, is }) => {
    expect(warning(request, [sole])).toBe(
      `${asked} was asked for, but the inherited socket is ${is}; it is used as it is. ` +
        "Make the two agree, or pass inherit: 'never' to bind a socket instead",
    )
  })

  it('lists the sockets if none fits', () => {
    const sockets = [v6(3, 80, { name: 'web' }), unix(4, '/run/app.sock')]
    expect(warning({ port: 81 }, sockets)).toBe(
      'none of the inherited sockets fits port 81: fd 3 "web" [::]:80, fd 4 unix:/run/app.sock. ' +
        'A socket of its own is bound; to use an inherited one, ask for its port or its name',
    )
    expect(warning({ path: '/x', name: 'y' }, sockets)).toContain('fits path /x, name "y": fd 3')
  })
})

describe('a socket from the store', () => {
  const stored = (facts: Partial<Candidate> = {}): Candidate =>
    v6(3, 80, { origin: 'stored', ...facts })
  const at = (address: string, facts: Partial<Candidate> = {}): Candidate =>
    stored({ address, family: address.includes(':') ? 'IPv6' : 'IPv4', ...facts })
  const v4Only = { family: 'IPv4', address: '0.0.0.0', ipv6Only: undefined } as const

  it.each<[string, Partial<Wanted>, Candidate[], number | string]>([
    ['its port', { port: 80 }, [stored()], 3],
    ['its port, named otherwise by now', { port: 80, name: 'web' }, [stored({ name: 'a' })], 3],
    ['no other port, though it is the only one', { port: 81 }, [stored()], 'none'],
    ['no other port of its name', { port: 81, name: 'web' }, [stored({ name: 'web' })], 'none'],
    ['not any port: another may want it', {}, [stored()], 'none'],
    ['any port of its name', { name: 'web' }, [stored({ name: 'web' }), v6(4, 81)], 3],
    ['IPv4 where there is no IPv6', { port: 80 }, [stored(v4Only)], 3],
    ['not every address with one', { port: 80 }, [at('127.0.0.1')], 'none'],
    ['not one address with every', { port: 80, host: '127.0.0.1' }, [stored()], 'none'],
    ['its address', { port: 80, host: '127.0.0.1' }, [at('127.0.0.1')], 3],
    ['its address, written otherwise', { port: 80, host: '0:0::1' }, [at('::1')], 3],
    ['its address on an interface', { port: 80, host: 'fe80::1%eth0' }, [at('fe80::1')], 3],
    ['localhost', { port: 80, host: 'localhost' }, [at('::1')], 3],
    ['what is localhost by default', { port: 80, defaultHost: 'localhost' }, [at('127.0.0.1')], 3],
    ['a host that must be looked up', { port: 80, host: 'app.example' }, [at('192.0.2.1')], 3],
    ['not IPv6 alone with both', { port: 80, ipv6Only: true }, [stored()], 'none'],
    ['IPv6 alone', { port: 80, ipv6Only: true }, [stored({ ipv6Only: true })], 3],
    ['its path', { path: '/a' }, [unix(3, '/a', { origin: 'stored' })], 3],
    ['no other path', { path: '/b' }, [unix(3, '/a', { origin: 'stored' })], 'none'],
    ['nothing that is taken', { port: 80 }, [stored({ state: TAKEN })], 'none'],
    ['beside one of a unit: each its port', { port: 81 }, [stored(), v6(4, 81)], 4],
    ['beside one of a unit, which is the only one passed', { port: 82 }, [stored(), v6(4, 81)], 4],
  ])('serves %s', (_, request, sockets, takes) => {
    expect(outcome(request, sockets)).toBe(takes)
  })

  it('causes no warning', () => {
    expect(warning({ port: 81 }, [stored()])).toBeUndefined()
    expect(warning({ port: 80, name: 'web' }, [stored({ name: 'old' })])).toBeUndefined()
  })

  it('must be closed if it has the address but does not serve the request', () => {
    const sockets = [
      stored(),
      v6(4, 80),
      stored({ fd: 5, state: TAKEN }),
      stored({ fd: 6, port: 81 }),
    ]
    expect(inTheWay(wanted({ port: 80, host: '::1' }), sockets).map(({ fd }) => fd)).toEqual([3])
    expect(inTheWay(wanted({}), sockets)).toEqual([])
  })
})

describe('describeCandidate', () => {
  it('quotes the name, which may hold any characters', () => {
    expect(describeCandidate(v4(7, 80, { name: 'a\n"b' }))).toBe('fd 7 "a\\n\\"b" 0.0.0.0:80')
  })
})
