import { expect, test } from 'vitest'
import { failureOf } from './failure.ts'

test.each([
  ["'nodde'", 127, 'check the command and PATH'],
  ["'./start'", 126, 'check its permissions'],
  ["'server.mjs'", 127, 'write the program that runs it first, such as node'],
  ["'./server.ts'", 126, 'write the program that runs it first, such as node'],
  ["'node server.mjs'", 127, 'pass its words one by one, without quotes around all of them'],
  ["'./my server'", 127, 'check the command and PATH'],
])('the program %s, exit code %i: %s', (program, code, repair) => {
  const seen = {
    pid: 7,
    program,
    register: false,
    ready: { kind: 'notify' },
    after: 1,
    foreignPids: [],
    endedServers: [],
    hasSpoken: false,
    output: '',
  } as const
  expect(failureOf('abandoned', { code, signal: null }, false, seen).message).toMatch(
    new RegExp(`^${program} .*exit code ${code}\\); ${repair}$`),
  )
})
