import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Diagnosis } from '@socket-port/core/diagnose'
import { freePort } from '@socket-port/testkit/native'
import { expect, it } from 'vitest'
import { afterTest, fixture, supervise } from './supervising.ts'

/** What a process below a shell says of itself, which serves `target`, or nothing. */
async function diagnosed(target?: (port: number) => object): Promise<Diagnosis> {
  const collector = createServer().listen(0, '127.0.0.1')
  afterTest(() => collector.close())
  await once(collector, 'listening')
  const report = once(collector, 'connection') as Promise<[Socket]>
  const port = freePort()
  const supervised = supervise({
    // With one socket, a server gets it whatever port it asks for.
    args: ['--listen', `127.0.0.1:${port}`, '--listen', '127.0.0.1:0'],
    command: [
      '/bin/sh',
      '-c',
      '"$0" "$@"; exit $?',
      process.execPath,
      fixture('core-diagnose.mjs'),
    ],
    env: {
      TARGET: target === undefined ? '' : JSON.stringify(target(port)),
      REPORT: String((collector.address() as AddressInfo).port),
    },
  })
  const [socket] = await report
  const { diagnosis } = JSON.parse(await text(socket))
  // Nothing else ends the process below the shell.
  supervised.generation.signal('SIGTERM')
  await supervised.generation.exit
  return diagnosis
}

// Below the shell LISTEN_PID names the shell, which has closed what was passed.
it.each([
  ['got its socket on request', (port: number) => ({ port }), []],
  [
    'asked for another one',
    () => ({ port: freePort() }),
    [
      {
        code: 'SOCKET_NOT_GIVEN',
        severity: 'error',
        problem: expect.stringMatching(
          /^this process \(pid \d+\) has asked .* got none: it keeps 127\.0\.0\.1:\d+/,
        ),
        mend: expect.stringMatching(/--listen/),
      },
    ],
  ],
  [
    'has not asked',
    undefined,
    [
      {
        code: 'SOCKET_NOT_ASKED',
        severity: 'warning',
        problem: expect.stringMatching(/ has not asked: pid \d+ \(\/bin\/sh .*\) runs between /),
        mend: expect.stringMatching(/--register/),
      },
    ],
  ],
])('a process that %s says so in its diagnosis', async (_, target, problems) => {
  const diagnosis = await diagnosed(target)
  expect(diagnosis.starter).toMatchObject({ kind: 'socket-port', wrappers: [{}] })
  expect(diagnosis.problems).toEqual(problems)
})
