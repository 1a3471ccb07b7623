import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Diagnosis, Problem, ProblemCode } from '@socket-port/core/diagnose'
import { SOCKET_PORT } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  RELEASES,
  releaseSkipReason,
  type SystemdBox,
  socketActivate,
  systemdSkipReason,
  type Units,
} from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url))
const NODE = pathInBox(process.execPath)
const PROGRAM = `${NODE} ${pathInBox(`${FIXTURES}core-diagnose.mjs`)}`

/** A service without a fault, with whatever is to be wrong about it. */
interface Service {
  /** What is served; nothing where it is absent. */
  target?: object
  /** Lines of [Service]; a later one replaces an earlier one. */
  lines?: string[]
  /** Lines of [Unit]. */
  unit?: string[]
}

function service({ target, lines = [], unit = ['StartLimitIntervalSec=0'] }: Service): string {
  const served = target === undefined ? '' : JSON.stringify(target).replaceAll('"', '\\"')
  return [
    '[Unit]',
    ...unit,
    '[Service]',
    'Type=notify',
    'Restart=no',
    `ExecStart=${PROGRAM}`,
    `Environment="TARGET=${served}"`,
    ...lines,
    '',
  ].join('\n')
}

const socket = (port: number, ...lines: string[]): string =>
  ['[Socket]', `ListenStream=${port}`, ...lines, ''].join('\n')

describe.each(RELEASES)('diagnose() on %s', async (release) => {
  describe(...requireOrSkip('under a real systemd', await releaseSkipReason(release)), () => {
    let box: SystemdBox
    let collector: Server

    beforeAll(async () => {
      collector = createServer({ allowHalfOpen: true }).listen(0)
      await once(collector, 'listening')
      const { port } = collector.address() as AddressInfo
      box = await bootSystemd({ units: {}, env: { REPORT: String(port) }, release })
    })
    afterAll(async () => {
      await box?.stop()
      collector?.close()
    })

    /** What the program of the units reports once `start` has been given to systemctl. */
    async function diagnosed(
      units: Units,
      ...start: string[]
    ): Promise<{ diagnosis: Diagnosis; text: string }> {
      await box.install(units)
      const reported = once(collector, 'connection')
      const [, [connection]] = await Promise.all([box.start(...start), reported])
      const report = JSON.parse(await text(connection as Socket))
      ;(connection as Socket).end()
      const names = Object.keys(units)
      await box.systemctl('stop', ...names)
      await box.systemctl('reset-failed', ...names)
      for (const name of names) await rm(join(box.dir, 'units', name))
      return report
    }

    const codes = ({ problems }: Diagnosis): ProblemCode[] => problems.map(({ code }) => code)

    it('finds nothing wrong with units that are right, and says who started what', async () => {
      const port = freePort()
      const { diagnosis, text } = await diagnosed(
        {
          'right.socket': socket(port, 'FileDescriptorName=web'),
          'right.service': service({ target: { port, name: 'web' }, lines: ['WatchdogSec=30'] }),
        },
        'right.socket',
        'right.service',
      )
      expect(diagnosis.problems).toEqual([])
      expect(diagnosis.unknown).toEqual([])
      expect(diagnosis.starter).toEqual({
        kind: 'systemd',
        pid: 1,
        unit: 'right.service',
        user: false,
        version: expect.stringMatching(/^\d{3}/),
        wrappers: [],
      })
      expect(diagnosis.sockets).toMatchObject([{ fd: 3, name: 'web', port, taken: true }])
      expect(diagnosis.listeners).toEqual([
        {
          request: `port ${port} named "web"`,
          source: 'inherited',
          fd: 3,
          address: `[::]:${port}`,
        },
      ])
      expect(diagnosis.environment).toMatchObject({
        LISTEN_FDS: '1',
        LISTEN_FDNAMES: 'web',
        LISTEN_PID: String(diagnosis.pid),
        NOTIFY_SOCKET: '/run/systemd/notify',
        WATCHDOG_USEC: '30000000',
      })
      expect(text).toMatch(/^no problem was found$/m)
      expect(text).toMatch(/^started by {3}systemd \d\S+, pid 1, as right\.service$/m)
    })

    const port = freePort()
    const web = socket(port, 'FileDescriptorName=web')
    interface Broken {
      name: string
      units: Units
      code: ProblemCode
      severity: Problem['severity']
      problem: RegExp
      mend: RegExp
      /** @default the socket, then the service */
      start?: string[]
    }
    const broken: Broken[] = [
      {
        name: 'the wrong port',
        units: { 'app.socket': web, 'app.service': service({ target: { port: port - 1 } }) },
        code: 'PORT_MISMATCH',
        severity: 'warning',
        problem: new RegExp(`port ${port - 1}, but it serves fd 3 "web" \\[::\\]:${port}`),
        mend: new RegExp(`ListenStream=${port - 1} in app.socket, or ask for { port: ${port} }`),
      },
      {
        name: 'the wrong FileDescriptorName',
        units: { 'app.socket': web, 'app.service': service({ target: { name: 'wbe' } }) },
        code: 'NAME_UNKNOWN',
        severity: 'error',
        problem: /asked for the name "wbe", but it was passed fd 3 "web"/,
        mend: /FileDescriptorName=wbe in app.socket, or ask for { name: "web" }/,
      },
      {
        name: 'Type=simple',
        units: {
          'app.socket': web,
          'app.service': service({ target: { port }, lines: ['Type=simple'] }),
        },
        code: 'TYPE_NOT_NOTIFY',
        severity: 'warning',
        problem: /app.service has Type=simple/,
        mend: /Type=notify in \[Service\]/,
      },
      {
        name: 'a store that is off',
        units: { 'app.service': service({ target: { port, fdStore: true } }) },
        start: ['app.service'],
        code: 'FD_STORE_OFF',
        severity: 'error',
        problem: /app.service has FileDescriptorStoreMax=0/,
        mend: /FileDescriptorStoreMax=16 in \[Service\] of app.service/,
      },
      {
        name: 'TimeoutStopSec shorter than the drain',
        units: {
          'app.socket': web,
          'app.service': service({
            target: { port, notify: false },
            lines: ['Type=exec', 'TimeoutStopSec=10'],
          }),
        },
        code: 'STOP_TIMEOUT',
        severity: 'warning',
        problem: /TimeoutStopSec=10s, but a drain may take 25s/,
        mend: /TimeoutStopSec=30/,
      },
      {
        name: 'a socket that was never started',
        units: { 'app.socket': web, 'app.service': service({ target: { port } }) },
        start: ['app.service'],
        code: 'NOTHING_PASSED',
        severity: 'error',
        problem: /app.socket exists, but is inactive/,
        mend: /systemctl enable --now app.socket/,
      },
      {
        name: 'a start limit that a crash reaches',
        units: { 'app.socket': web, 'app.service': service({ target: { port }, unit: [] }) },
        code: 'START_LIMIT',
        severity: 'warning',
        problem: /app.service may start 5 times in 10s/,
        mend: /StartLimitIntervalSec=0/,
      },
      {
        name: 'a start limit that was reached',
        units: {
          'app.socket': web,
          'app.service': service({
            unit: ['OnFailure=report.service'],
            lines: [
              'Type=simple',
              'ExecStart=',
              'ExecStart=/bin/false',
              'Restart=always',
              'RestartSec=10ms',
              // With systemd 254 and later, OnFailure= would act at the first crash.
              'RestartMode=direct',
            ],
          }),
          'report.service': service({ lines: ['Environment=UNIT=app.service', 'Type=exec'] }),
        },
        code: 'START_LIMIT_HIT',
        severity: 'error',
        problem:
          /app.service was started more than 5 times in 10s, so systemd has closed app.socket/,
        mend: /systemctl reset-failed app.service app.socket, and systemctl start app.socket/,
      },
      {
        name: 'a watchdog that nobody keeps quiet',
        units: {
          'app.socket': web,
          'app.service': service({
            target: { port, notify: false },
            lines: ['Type=exec', 'WatchdogSec=30'],
          }),
        },
        code: 'WATCHDOG',
        severity: 'error',
        problem: /WatchdogSec=30s is set, but nothing in this process/,
        mend: /remove notify: false/,
      },
    ]

    it.each(broken)('tells $name, and how to mend it', async (one) => {
      const { units, start = ['app.socket', 'app.service'] } = one
      const { diagnosis, text } = await diagnosed(units, ...start)
      expect(codes(diagnosis)).toEqual([one.code])
      expect(diagnosis.problems).toEqual([
        {
          code: one.code,
          severity: one.severity,
          problem: expect.stringMatching(one.problem),
          mend: expect.stringMatching(one.mend),
        },
      ])
      expect(diagnosis.unknown).toEqual([])
      expect(text).toContain(`${one.severity} ${one.code}`)
    })

    it('sees from outside what was passed to a service, and says what it cannot see', async () => {
      const { diagnosis, text } = await diagnosed(
        {
          'app.socket': web,
          'app.service': service({
            lines: ['Type=exec', 'ExecStart=', 'ExecStart=/bin/sleep 600'],
          }),
          'report.service': service({
            unit: ['After=app.service', 'StartLimitIntervalSec=0'],
            lines: ['Environment=UNIT=app.service', 'Type=exec'],
          }),
        },
        'app.socket',
        'app.service',
        'report.service',
      )
      expect(diagnosis).toMatchObject({
        seen: 'unit',
        command: '/bin/sleep 600',
        problems: [],
        sockets: [{ fd: 3, name: 'web', address: '::', port, listening: true }],
        unknown: [expect.stringContaining('not visible from outside')],
      })
      expect(text).toMatch(/^passed {7}fd 3 "web", \[::\]:\d+, listens$/m)
      expect(text).toMatch(/\n\nno problem is visible from outside\n$/)
    })

    it.each([
      ['control-group', ['KILL_MODE']],
      ['mixed', []],
    ])('under socket-port run in a unit with KillMode=%s: %j', async (killMode, expected) => {
      const run = `${NODE} -- ${pathInBox(SOCKET_PORT)} run --listen ${port} --control %t/c.sock`
      const { diagnosis } = await diagnosed(
        {
          'app.service': service({
            target: { port },
            lines: ['ExecStart=', `ExecStart=${run} -- ${PROGRAM}`, `KillMode=${killMode}`],
          }),
        },
        'app.service',
      )
      expect(diagnosis.starter).toMatchObject({ kind: 'socket-port' })
      expect(codes(diagnosis)).toEqual(expected)
    })

    // Only node is there in the root of another release.
    const npm = release === 'host' ? ['npm start'] : []
    it.each([...npm, `/bin/sh -c "${PROGRAM}; true"`])(
      'tells that %s stands between systemd and node',
      async (command) => {
        const { diagnosis, text } = await diagnosed(
          {
            'app.socket': web,
            'app.service': service({
              // The port of the socket could not be bound: systemd has it.
              target: { port: 0 },
              lines: [
                'Type=exec',
                'ExecStart=',
                `ExecStart=${command}`,
                `WorkingDirectory=${pathInBox(`${FIXTURES}npm-start`)}`,
                'Environment=npm_config_cache=/run/npm npm_config_update_notifier=false',
              ],
            }),
          },
          'app.socket',
          'app.service',
        )
        const [wrapper] = diagnosis.starter.wrappers
        expect(wrapper?.command).toMatch(/^(npm start|\/bin\/sh -c )/)
        expect(diagnosis.environment.LISTEN_PID).toBe(String(wrapper?.pid))
        expect(diagnosis.problems[0]).toEqual({
          code: 'WRAPPER',
          severity: 'error',
          problem: expect.stringMatching(
            /^pid \d+ .* runs? between systemd \(app\.service\) and .*: the passed sockets are lost$/,
          ),
          mend: `start node itself: ExecStart=${PROGRAM}`,
        })
        expect(text).toContain(`  through    pid ${wrapper?.pid} (${wrapper?.command})`)
      },
    )

    it('says what systemd does not tell to a user without a bus', async () => {
      const { diagnosis, text } = await diagnosed(
        {
          'app.socket': web,
          'app.service': service({ target: { port }, lines: ['User=65534'] }),
        },
        'app.socket',
        'app.service',
      )
      expect(diagnosis.problems).toEqual([])
      expect(diagnosis.starter).toMatchObject({
        kind: 'systemd',
        unit: 'app.service',
        wrappers: [],
      })
      expect(diagnosis.unknown).toEqual([
        expect.stringMatching(/^what app\.service says: systemctl did not answer \(.*bus.*\)$/),
      ])
      expect(text).toContain('not known    what app.service says')
    })
  })
})

describe(...requireOrSkip('diagnose() under systemd-socket-activate', systemdSkipReason()), () => {
  afterEach(endProcesses)

  it('knows that a program passed the sockets and is gone', async () => {
    const port = freePort()
    const collector = createServer({ allowHalfOpen: true }).listen(0)
    onTestFinished(() => void collector.close())
    await once(collector, 'listening')
    const reported = once(collector, 'connection')
    await socketActivate({
      listen: [`[::]:${port}`],
      names: ['web'],
      command: [process.execPath, `${FIXTURES}core-diagnose.mjs`],
      env: {
        REPORT: String((collector.address() as AddressInfo).port),
        TARGET: JSON.stringify({ port }),
      },
    })
    const client = connect(port)
    onTestFinished(() => void client.destroy())
    const [connection] = (await reported) as [Socket]
    const { diagnosis } = JSON.parse(await text(connection)) as { diagnosis: Diagnosis }
    connection.end()
    expect(diagnosis.starter).toMatchObject({ kind: 'activator', wrappers: [] })
    expect(diagnosis.sockets).toMatchObject([{ fd: 3, name: 'web', port, taken: true }])
    expect(diagnosis.problems).toEqual([])
  })
})
