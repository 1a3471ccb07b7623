import { describe, expect, it } from 'vitest'
import { parseShow, parseTimespan, serviceUnitOf, socketUnitOf } from './show.ts'

// Captured from systemd 252.
const OUTPUT = `Type=notify
Restart=on-failure
NotifyAccess=main
RestartUSec=1s
TimeoutStopUSec=1min 30s
WatchdogUSec=0
KillMode=mixed
MainPID=43
FileDescriptorStoreMax=4
Result=success
NRestarts=2
ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c a=b; env ; ignore_errors=no ; start_time=[n/a] ; status=0/0 }
Id=a.service
Triggers=
TriggeredBy=a.socket a-admin.socket
LoadState=loaded
ActiveState=active
StartLimitIntervalUSec=10s
StartLimitBurst=5

Backlog=2147483647
Accept=no
Listen=[::]:39991 (Stream)
Listen=/run/app one.sock (Stream)
Result=success
FileDescriptorName=web
Id=a.socket
Triggers=a.service
LoadState=loaded
ActiveState=active

Id=nope.socket
LoadState=not-found
ActiveState=inactive
`

describe('what systemctl show prints', () => {
  const [first, second, third] = parseShow(OUTPUT)

  it('is a service', () => {
    expect(serviceUnitOf(first ?? new Map())).toEqual({
      id: 'a.service',
      loaded: true,
      active: 'active',
      result: 'success',
      type: 'notify',
      notifyAccess: 'main',
      killMode: 'mixed',
      mainPid: 43,
      command: '/bin/sh -c a=b; env',
      fdStoreMax: 4,
      stopTimeout: 90_000,
      watchdog: 0,
      restart: 'on-failure',
      restartDelay: 1_000,
      restarts: 2,
      startLimit: { interval: 10_000, burst: 5 },
      triggeredBy: ['a.socket', 'a-admin.socket'],
    })
  })

  it('is a socket', () => {
    expect(socketUnitOf(second ?? new Map())).toEqual({
      id: 'a.socket',
      loaded: true,
      active: 'active',
      result: 'success',
      listens: ['[::]:39991', '/run/app one.sock'],
      name: 'web',
      backlog: 2147483647,
      accept: false,
      triggers: ['a.service'],
    })
  })

  it('is a unit that does not exist', () => {
    expect(socketUnitOf(third ?? new Map())).toMatchObject({ id: 'nope.socket', loaded: false })
  })

  it('may be empty', () => {
    expect(parseShow('')).toEqual([])
    expect(serviceUnitOf(new Map())).toMatchObject({
      id: '',
      mainPid: 0,
      fdStoreMax: undefined,
      stopTimeout: Number.POSITIVE_INFINITY,
      watchdog: 0,
    })
  })
})

describe('parseTimespan', () => {
  it.each([
    ['0', 0],
    ['infinity', Number.POSITIVE_INFINITY],
    ['100ms', 100],
    ['250us', 0.25],
    ['1.500s', 1_500],
    ['1min 30s', 90_000],
    ['1h 2min 3s', 3_723_000],
    ['1month 2d', 2_802_600_000],
    ['', undefined],
    ['soon', undefined],
    ['5 parsecs', undefined],
  ])('reads %j as %s', (text, milliseconds) => {
    expect(parseTimespan(text)).toBe(milliseconds)
  })
})
