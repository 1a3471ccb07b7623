import { describe, expect, it } from 'vitest'
import { socket } from '../testing/facts.ts'
import { formatDiagnosis } from './format.ts'
import type { Diagnosis } from './rules/types.ts'

const diagnosis: Diagnosis = {
  pid: 40,
  seen: 'process',
  command: 'node app.js',
  starter: {
    kind: 'systemd',
    pid: 1,
    unit: 'app.service',
    user: false,
    version: '257.9-1',
    wrappers: [
      { pid: 38, command: 'npm start' },
      { pid: 39, command: 'sh -c node app.js' },
    ],
  },
  environment: { LISTEN_FDS: '2', LISTEN_FDNAMES: 'web\u001b[31m' },
  sockets: [
    socket(),
    socket({ fd: 4, name: 'odd', family: undefined, problem: 'is a pipe', backlog: undefined }),
  ],
  listeners: [
    { request: 'port 8080', source: 'inherited', fd: 3, address: '[::]:8080' },
    { request: 'port 9100', source: 'bound', fd: undefined, address: '[::]:9100' },
  ],
  problems: [
    { code: 'WRAPPER', severity: 'error', problem: 'npm is there', mend: 'take it away' },
    { code: 'START_LIMIT', severity: 'warning', problem: 'it is low', mend: 'lift it' },
  ],
  unknown: ['what app.service says: systemctl did not answer (it took too long)'],
}

describe('formatDiagnosis', () => {
  it('shows everything, one fact a line', () => {
    expect(formatDiagnosis(diagnosis)).toBe(`process      40 (node app.js)
started by   systemd 257.9-1, pid 1, as app.service
  through    pid 38 (npm start)
  through    pid 39 (sh -c node app.js)
environment  LISTEN_FDS=2
             LISTEN_FDNAMES="web\\u001b[31m"
passed       fd 3 "web", [::]:8080, taken, queue 0 of 4096
             fd 4 "odd", is a pipe
listens      port 8080: [::]:8080, inherited as fd 3
             port 9100: [::]:9100, bound here
not known    what app.service says: systemctl did not answer (it took too long)

2 problems:

error WRAPPER
  npm is there
  mend: take it away

warning START_LIMIT
  it is low
  mend: lift it
`)
  })

  it('shows only what is visible of a service from outside', () => {
    const outside: Diagnosis = {
      ...diagnosis,
      seen: 'unit',
      starter: { ...diagnosis.starter, wrappers: [] },
      sockets: [{ ...socket(), taken: undefined, backlog: undefined }],
      listeners: [],
      problems: [],
      unknown: ['what the program asked for'],
    }
    expect(formatDiagnosis(outside)).toBe(`process      40 (node app.js)
started by   systemd 257.9-1, pid 1, as app.service
environment  LISTEN_FDS=2
             LISTEN_FDNAMES="web\\u001b[31m"
passed       fd 3 "web", [::]:8080, listens
not known    what the program asked for

no problem is visible from outside
`)
    // What cannot be read is not said to be nothing.
    const unknown = ['what was passed: the environment of pid 40 cannot be read']
    const closed = formatDiagnosis({ ...outside, environment: {}, sockets: [], unknown })
    expect(closed).not.toMatch(/^passed/m)
    const none = { pid: 0, environment: {}, sockets: [] }
    expect(formatDiagnosis({ ...outside, seen: 'nothing', ...none })).toBe(
      'not known    what the program asked for\n\ncould not look at app.service\n',
    )
  })

  it('says that there is nothing to look at', () => {
    const starter = { ...diagnosis.starter, kind: 'none' as const, wrappers: [] }
    const nothing = { environment: {}, sockets: [], listeners: [], problems: [], unknown: [] }
    expect(formatDiagnosis({ ...diagnosis, pid: 0, starter, ...nothing })).toBe(
      `process      none runs
started by   no known manager
passed       nothing
listens      nothing

no problem was found
`,
    )
  })

  it.each([
    ['socket-port', 'socket-port run, pid 1'],
    ['activator', 'a program that passes sockets, such as systemd-socket-activate'],
  ] as const)('names %s', (kind, text) => {
    const starter = { ...diagnosis.starter, kind }
    expect(formatDiagnosis({ ...diagnosis, starter })).toContain(`started by   ${text}\n`)
  })
})
