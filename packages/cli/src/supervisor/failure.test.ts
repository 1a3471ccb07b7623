import { describe, expect, test } from 'vitest'
import { failureOf, type Observed } from './failure.ts'

const SEEN: Observed = {
  pid: 7,
  program: "'node'",
  register: false,
  ready: { kind: 'notify' },
  after: 1,
  foreignPids: [],
  endedServers: [],
  hasSpoken: false,
  output: '',
}

test.each([
  ["'nodde'", 127, 'check the command and PATH'],
  ["'./start'", 126, 'check its permissions'],
  ["'server.mjs'", 127, 'write the program that runs it first, such as node'],
  ["'./server.ts'", 126, 'write the program that runs it first, such as node'],
  ["'node server.mjs'", 127, 'pass its words one by one, without quotes around all of them'],
  ["'./my server'", 127, 'check the command and PATH'],
])('the program %s, exit code %i: %s', (program, code, repair) => {
  const seen = { ...SEEN, program }
  expect(failureOf('abandoned', { code, signal: null }, false, seen).message).toMatch(
    new RegExp(`^${program} .*exit code ${code}\\); ${repair}$`),
  )
})

describe('a program that opens the kept port itself', () => {
  const message = (code: number, seen: Partial<Observed>, wasReady = false): string =>
    failureOf('abandoned', { code, signal: null }, wasReady, { ...SEEN, ...seen }).message

  test.each([
    'Error: listen EADDRINUSE: address already in use :::3000',
    'OSError: [Errno 98] Address already in use',
    'Port is in use',
    'Port 3000 is already in use.',
    'Web server failed to start. Port 3000 was already in use.',
  ])('is told so: %s', (output) => {
    expect(message(1, { output })).toMatch(/an address is in use.* socket-port run --register\. /)
  })

  test.each([false, true])('and hides that it is in use, as Express 5 does, ready: %s', (ready) => {
    const output = 'listening on port 3000'
    expect(message(0, { output }, ready)).toMatch(
      /exit code 0; .* ignores that it is in use, .* socket-port run --register\. /,
    )
  })

  test.each([false, true])(
    'or a port that the process before still has, with --register %s',
    (register) => {
      const output = 'Error: listen EADDRINUSE: address already in use :::9090'
      expect(message(1, { output, register })).toMatch(
        / none of --listen, the process before this one may have it: pass it with --listen too\. /,
      )
    },
  )

  test.each<[string, number, Partial<Observed>]>([
    ['a failure of its own', 1, { output: 'no database' }],
    ['it had the preload', 0, { register: true }],
    ['it has spoken to the manager', 0, { hasSpoken: true }],
  ])('is not proposed where %s', (_, code, seen) => {
    expect(message(code, seen)).toMatch(/exit code [01]$/)
  })
})

test.each([
  [false, /\(LISTEN_FDS\)\. Make it use them, .* socket-port run --register$/],
  [true, /no address of --listen: make the program ask for that address/],
])('a program that waits on none of the sockets, with --register %s', (register, message) => {
  const seen: Observed = { ...SEEN, register, ready: { kind: 'port' } }
  expect(failureOf('start-timeout', undefined, false, seen).message).toMatch(message)
})
