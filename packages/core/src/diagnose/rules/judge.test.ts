import { describe, expect, it } from 'vitest'
import { bound, facts, listening, PID, service, socket, socketUnit } from '../../testing/facts.ts'
import { problemCodes } from './codes.ts'
import type { Facts } from './facts.ts'
import { judge } from './judge.ts'
import type { ProblemCode, Starter } from './types.ts'

const { starter, environment } = facts()
const through = (...pids: number[]): Starter => ({
  ...starter,
  wrappers: pids.map((pid) => ({ pid, command: 'npm start' })),
})
const passedTo = (pid: number) => ({
  refusal: `the sockets were passed to process ${pid}`,
  environment: { LISTEN_FDS: '1', LISTEN_PID: String(pid) },
  sockets: [],
  listeners: [],
})

interface Case {
  name: string
  of: Partial<Facts>
  /** Each code with words of its problem and of its mend. */
  codes: [ProblemCode, problem: RegExp, mend: RegExp][]
}

/** Of a service that is looked at from outside. */
function outside(changes: Parameters<typeof service>[0]): Partial<Facts> {
  const seen = service(changes)
  return {
    seen: 'unit',
    service: seen,
    serviceAround: seen,
    socketUnits: [],
    sockets: [],
    listeners: [],
  }
}

const cases: Case[] = [
  { name: 'all is well', of: {}, codes: [] },
  {
    name: 'no manager at all',
    of: {
      starter: { ...starter, kind: 'none' },
      environment: {},
      sockets: [],
      socketUnits: [],
      service: undefined,
      listeners: [bound({ port: 8080 })],
    },
    codes: [],
  },
  {
    name: 'socket-port run, and systemd signals its program too',
    of: {
      starter: { ...starter, kind: 'socket-port', unit: undefined },
      socketUnits: [],
      service: undefined,
      serviceAround: service(),
    },
    codes: [
      ['KILL_MODE', /app.service has KillMode=control-group/, /KillMode=mixed in \[Service\]/],
    ],
  },
  ...[
    '/usr/bin/socket-port run -l 1 -- x',
    '/usr/bin/node -- /opt/node_modules/socket-port/dist/main.js run -l 1 -- x',
  ].map(
    (command): Case => ({
      name: `the same from outside: ${command}`,
      of: outside({ command }),
      codes: [['KILL_MODE', /app.service has KillMode=control-group/, /KillMode=mixed/]],
    }),
  ),
  ...[
    service({ command: '/usr/bin/socket-port run -l 1 -- x', killMode: 'mixed' }),
    service({ command: '/usr/bin/socket-port doctor' }),
    service({ command: '/usr/bin/node /srv/socket-port/dist/index.js run' }),
  ].map(
    (one): Case => ({ name: `${one.command} with ${one.killMode}`, of: outside(one), codes: [] }),
  ),
  {
    name: 'nothing is served yet',
    of: { sockets: [socket({ taken: false })], listeners: [] },
    codes: [],
  },
  {
    name: 'a path that was removed, of a unit',
    of: {
      socketUnits: [socketUnit({ listens: ['/run/app.sock'] })],
      lostPaths: [{ path: '/run/app.sock', now: 'gone' }],
    },
    codes: [
      ['PATH_LOST', /app\.sock was removed: .*ENOENT/, /unlink.*systemctl restart app\.socket/],
    ],
  },
  {
    name: 'a path that was bound again, of somebody else',
    of: { lostPaths: [{ path: '/tmp/app.sock', now: 'replaced' }] },
    codes: [
      ['PATH_LOST', /bound again: no client/, /restart the program that has opened the socket/],
    ],
  },
  {
    name: 'npm in between',
    of: { ...passedTo(39), starter: through(39) },
    codes: [
      ['WRAPPER', /^pid 39 \(npm start\) runs between .*sockets are lost/, /ExecStart=\/usr\/bin/],
    ],
  },
  {
    name: 'two in between, and only messages are lost',
    of: {
      starter: through(38, 39),
      environment: { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_PID: '38' },
      service: service({ mainPid: 38 }),
      sockets: [],
      socketUnits: [],
      listeners: [],
    },
    codes: [
      [
        'WRAPPER',
        /^pid 38 .* and pid 39 .* run between .*NotifyAccess=main\) and no keep-alives/,
        /node/,
      ],
    ],
  },
  {
    name: 'one in between that costs nothing',
    of: {
      starter: through(39),
      environment: {},
      service: service({ type: 'exec' }),
      sockets: [],
      socketUnits: [],
      listeners: [],
    },
    codes: [],
  },
  {
    name: 'one in between, without systemd',
    of: {
      ...passedTo(39),
      starter: { ...through(39), kind: 'activator', unit: undefined },
      service: undefined,
      socketUnits: [],
    },
    codes: [['WRAPPER', /between the manager and/, /let the manager start node itself/]],
  },
  {
    name: 'npm in between, and the socket was given on request',
    of: { ...passedTo(39), starter: through(39), service: undefined, asking: { outcome: 'given' } },
    codes: [],
  },
  {
    name: 'npm in between, of a process that has not asked',
    of: {
      ...passedTo(39),
      starter: through(39),
      service: undefined,
      asking: { outcome: 'not asked' },
    },
    codes: [
      [
        'SOCKET_NOT_ASKED',
        /has not asked: pid 39 \(npm start\) runs between socket-port/,
        /--register/,
      ],
    ],
  },
  {
    name: 'an ancestor that has ended, of a process that has not asked',
    of: { ...passedTo(4711), service: undefined, asking: { outcome: 'not asked' } },
    codes: [['SOCKET_NOT_ASKED', /has not asked: the sockets were passed to another/, /serve/]],
  },
  {
    name: 'a process that could ask, and needs not',
    of: { asking: { outcome: 'not asked' } },
    codes: [],
  },
  {
    name: 'npm in between, from outside',
    of: {
      ...passedTo(39),
      seen: 'unit',
      starter: through(39),
      service: undefined,
      asking: { outcome: 'unknown' },
    },
    codes: [],
  },
  ...(
    [
      ['none', 'it keeps [::]:8080', /--listen/],
      ['refused', 'it runs as user 1, and socket-port run as user 0', /same user/],
      ['failed', 'it could not be asked: EACCES', /node itself: \/usr\/bin\/node/],
    ] as const
  ).map(
    ([outcome, problem, mend]): Case => ({
      name: `a socket that was not given: ${outcome}`,
      of: {
        ...passedTo(39),
        starter: through(39),
        service: undefined,
        asking: { outcome, problem },
      },
      codes: [
        ['SOCKET_NOT_GIVEN', /has asked socket-port run for its socket, and got none: it/, mend],
      ],
    }),
  ),
  {
    name: 'an environment that was copied',
    of: passedTo(4711),
    codes: [['PID_WRONG', /LISTEN_PID is 4711, which is neither/, /remove LISTEN_FDS/]],
  },
  {
    name: 'garbage',
    of: {
      refusal: 'LISTEN_FDS is "x", not a number',
      environment: { LISTEN_FDS: 'x', LISTEN_PID: '7' },
      notifyProblems: ['NOTIFY_SOCKET is "y", not an address'],
      sockets: [],
      listeners: [],
    },
    codes: [
      ['ENVIRONMENT_INVALID', /LISTEN_FDS is "x"/, /unset/],
      ['ENVIRONMENT_INVALID', /NOTIFY_SOCKET is "y"/, /unset/],
    ],
  },
  {
    name: 'a worker of node:cluster',
    of: { ...passedTo(39), clusterWorker: true, starter: through(39) },
    codes: [['CLUSTER_WORKER', /fd 3 is the channel/, /app@\.service/]],
  },
  {
    name: 'a socket that is not active',
    of: {
      environment: {},
      sockets: [],
      listeners: [],
      socketUnits: [socketUnit({ active: 'inactive' })],
    },
    codes: [['NOTHING_PASSED', /app\.socket exists, but is inactive/, /enable --now app\.socket/]],
  },
  {
    name: 'a socket of a user that is not active',
    of: {
      environment: {},
      sockets: [],
      listeners: [],
      starter: { ...starter, user: true },
      socketUnits: [socketUnit({ active: 'inactive' })],
    },
    codes: [['NOTHING_PASSED', /inactive/, /systemctl --user enable --now/]],
  },
  {
    name: 'an environment that was cleaned',
    of: { environment: {}, sockets: [], listeners: [] },
    codes: [['NOTHING_PASSED', /app\.socket is active, but LISTEN_FDS is not set/, /sudo/]],
  },
  {
    name: 'a socket of another service, and one with Accept=yes',
    of: {
      environment: {},
      sockets: [],
      listeners: [],
      socketUnits: [socketUnit({ triggers: ['b.service'] }), socketUnit({ accept: true })],
    },
    codes: [],
  },
  {
    name: 'what is no socket, and what is not open',
    of: { sockets: [socket({ taken: false, problem: 'is a pipe' })], missing: 1, listeners: [] },
    codes: [['SOCKET_UNUSABLE', /fd 3 "web" is a pipe; 1 of 1 descriptors/, /ListenStream=/]],
  },
  {
    name: 'another port, served',
    of: { listeners: [listening({ port: 9090 })] },
    codes: [
      [
        'PORT_MISMATCH',
        /asked for port 9090, but it serves .*\[::\]:8080/,
        /ask for { port: 8080 }/,
      ],
    ],
  },
  {
    name: 'another port, bound instead',
    of: {
      sockets: [socket({ taken: false }), socket({ fd: 4, name: 'admin', port: 8081 })],
      listeners: [listening({ name: 'admin' }, { fd: 4 }), bound({ port: 9090 })],
    },
    codes: [['PORT_MISMATCH', /it was passed fd 3 "web"/, /ListenStream=9090 in app\.socket/]],
  },
  {
    name: 'another path',
    of: {
      sockets: [socket({ family: 'unix', path: '/run/a.sock', port: undefined, address: '' })],
      listeners: [listening({ path: '/run/b.sock' })],
    },
    codes: [['PORT_MISMATCH', /path \/run\/b\.sock/, /{ path: "\/run\/a\.sock" }/]],
  },
  {
    name: 'a port of its own beside what is taken',
    of: { listeners: [listening(), bound({ port: 9100 })] },
    codes: [],
  },
  {
    name: 'a name that was not passed',
    of: { sockets: [socket({ taken: false })], listeners: [bound({ name: 'wbe' })] },
    codes: [
      [
        'NAME_UNKNOWN',
        /asked for the name "wbe", but it was passed/,
        /FileDescriptorName=wbe in app/,
      ],
    ],
  },
  {
    name: 'a socket without the name',
    of: { sockets: [socket({ name: 'unknown' })], listeners: [listening({ name: 'web' })] },
    codes: [['NAME_UNKNOWN', /it serves fd 3/, /FileDescriptorName=web/]],
  },
  {
    name: 'a socket that nobody serves',
    of: { sockets: [socket(), socket({ fd: 4, name: 'admin', port: 8081, taken: false })] },
    codes: [['SOCKET_NOT_TAKEN', /no server takes fd 4 "admin" \[::\]:8081/, /remove it/]],
  },
  {
    name: 'what an earlier process stored',
    of: { sockets: [socket(), socket({ fd: 4, port: 8081, taken: false, stored: true })] },
    codes: [],
  },
  {
    name: "inherit: 'never'",
    of: {
      sockets: [socket({ taken: false })],
      listeners: [bound({ port: 0, inherit: 'never' })],
    },
    codes: [['SOCKET_NOT_TAKEN', /no server takes/, /serve it/]],
  },
  {
    name: 'a queue that was cut',
    of: { sockets: [socket({ backlog: 511 })] },
    codes: [['BACKLOG_CUT', /holds 511 connections, not 4096/, /systemctl restart app\.socket/]],
  },
  {
    name: 'a queue that was cut, no unit known',
    of: { sockets: [socket({ backlog: 511 })], service: undefined, socketUnits: [] },
    codes: [['BACKLOG_CUT', /511/, /open the socket again/]],
  },
  {
    name: 'a queue as long as its unit says, or as the kernel allows',
    of: {
      sockets: [socket({ backlog: 128 })],
      socketUnits: [socketUnit({ backlog: 2 ** 31 - 1 })],
      somaxconn: 128,
    },
    codes: [],
  },
  {
    name: 'a start limit in reach',
    of: { service: service({ startLimit: { interval: 10_000, burst: 5 } }) },
    codes: [['START_LIMIT', /5 times in 10s/, /StartLimitIntervalSec=0/]],
  },
  {
    name: 'a start limit out of reach',
    of: { service: service({ startLimit: { interval: 10_000, burst: 5 }, restartDelay: 3_000 }) },
    codes: [],
  },
  {
    name: 'a start limit of a service without sockets',
    of: {
      service: service({ startLimit: { interval: 10_000, burst: 5 } }),
      environment: {},
      sockets: [],
      socketUnits: [],
      listeners: [],
    },
    codes: [],
  },
  {
    name: 'a start limit that was reached',
    of: {
      seen: 'unit',
      service: service({
        active: 'failed',
        result: 'exit-code',
        restarts: 5,
        mainPid: 0,
        startLimit: { interval: 10_000, burst: 5 },
      }),
      socketUnits: [socketUnit({ active: 'failed', result: 'service-start-limit-hit' })],
    },
    codes: [['START_LIMIT_HIT', /has closed app\.socket/, /reset-failed app\.service app\.socket/]],
  },
  {
    name: 'a store that is off',
    of: { sockets: [], socketUnits: [], listeners: [bound({ port: 8080, fdStore: true })] },
    codes: [['FD_STORE_OFF', /FileDescriptorStoreMax=0/, /FileDescriptorStoreMax=16/]],
  },
  {
    name: 'a store that is too small',
    of: {
      service: service({ fdStoreMax: 1 }),
      sockets: [socket({ stored: true })],
      socketUnits: [],
      listeners: [listening({ fdStore: true }), bound({ port: 9090, fdStore: true })],
    },
    codes: [['FD_STORE_TOO_SMALL', /stores 2 sockets.*FileDescriptorStoreMax=1/, /=16/]],
  },
  {
    name: 'a store that is not needed',
    of: { listeners: [listening({ port: 8080, fdStore: true })] },
    codes: [],
  },
  {
    name: 'another main process',
    of: { service: service({ mainPid: 12 }) },
    codes: [['NOTIFY_ACCESS', /main process is pid 12/, /NotifyAccess=all/]],
  },
  {
    name: 'another main process, and everybody may speak',
    of: { service: service({ mainPid: 12, notifyAccess: 'all' }) },
    codes: [],
  },
  {
    name: 'a stop time-out shorter than a drain that can ask for more',
    of: { service: service({ stopTimeout: 10_000 }) },
    codes: [],
  },
  {
    name: 'a stop time-out shorter than a drain that cannot',
    of: {
      service: service({ stopTimeout: 10_000 }),
      listeners: [listening({ port: 8080, notify: false })],
    },
    codes: [['STOP_TIMEOUT', /TimeoutStopSec=10s, but a drain may take 25s/, /TimeoutStopSec=30/]],
  },
  {
    name: 'a watchdog that nobody keeps quiet',
    of: {
      environment: { ...environment, WATCHDOG_USEC: '30000000' },
      service: service({ watchdog: 30_000 }),
      listeners: [listening({ port: 8080, notify: false })],
    },
    codes: [['WATCHDOG', /WatchdogSec=30s .* nothing in this process/, /notify: false/]],
  },
  {
    name: 'a watchdog of another process',
    of: { environment: { ...environment, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' } },
    codes: [['WATCHDOG', /expects the keep-alives from pid 7/, /ExecStart=/]],
  },
  {
    name: 'Type=simple',
    of: { service: service({ type: 'simple' }) },
    codes: [['TYPE_NOT_NOTIFY', /Type=simple/, /Type=notify/]],
  },
  {
    name: 'a unit that does not exist',
    of: {
      seen: 'unit',
      service: service({ loaded: false, active: 'inactive', mainPid: 0 }),
      environment: {},
      sockets: [],
      socketUnits: [],
      listeners: [],
    },
    codes: [['UNIT_NOT_FOUND', /there is no unit app\.service/, /daemon-reload/]],
  },
  ...['npm start', '/usr/bin/pnpm run start', '/usr/bin/node --watch app.js', 'npx tsx app.ts'].map(
    (command): Case => ({
      name: `ExecStart=${command}`,
      of: { seen: 'unit', service: service({ command }), sockets: [], listeners: [] },
      codes: [['WRAPPER', /has ExecStart=/, /start node itself/]],
    }),
  ),
]

describe('judge', () => {
  it.each(cases)('$name: $codes.0', ({ of, codes }) => {
    const problems = judge(facts(of))
    expect(problems).toMatchObject(
      codes.map(([code, problem, mend]) => ({
        code,
        problem: expect.stringMatching(problem),
        mend: expect.stringMatching(mend),
      })),
    )
  })

  it('has a case for every code', () => {
    const tested = new Set(cases.flatMap(({ codes }) => codes.map(([code]) => code)))
    expect([...tested].sort()).toEqual(Object.keys(problemCodes))
  })

  it('puts errors before warnings', () => {
    const problems = judge(
      facts({
        sockets: [socket({ backlog: 511 }), socket({ fd: 4, port: 8081, taken: false })],
        service: service({ type: 'simple', mainPid: PID + 1 }),
      }),
    )
    expect(problems.map(({ severity }) => severity)).toEqual([
      'error',
      'error',
      'warning',
      'warning',
    ])
  })
})
