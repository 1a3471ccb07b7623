import { describe, expect, it } from 'vitest'
import { readNotifyVariables } from './variables.ts'

const PID = 4711
const read = (env: NodeJS.ProcessEnv) => readNotifyVariables(env, PID)
const nothing = {
  address: undefined,
  watchdogTimeout: undefined,
  channel: undefined,
  direct: false,
  problems: [],
}

describe('readNotifyVariables', () => {
  it.each([{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_PID: '1' }])('finds no manager in %j', (env) => {
    expect(read(env)).toEqual(nothing)
  })

  it('finds the address of the manager', () => {
    const address = { kind: 'unix', path: '/run/notify' }
    expect(read({ NOTIFY_SOCKET: '/run/notify' })).toEqual({ ...nothing, address })
  })

  it('names the problem of the address, and the repair', () => {
    expect(read({ NOTIFY_SOCKET: 'nonsense' })).toEqual({
      ...nothing,
      problems: [
        'NOTIFY_SOCKET is "nonsense", which is not an absolute path, an abstract @name or vsock:CID:PORT; ' +
          'unset it, or start this process with a manager that sets it',
      ],
    })
  })

  it.each([
    [{ WATCHDOG_USEC: '30000000' }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '4711' }, 30_000],
    [{ WATCHDOG_USEC: '1500' }, 1.5],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '4712' }, undefined],
    [{ WATCHDOG_PID: '4711' }, undefined],
  ])('reads the watchdog of %j', (env, watchdogTimeout) => {
    const direct = 'WATCHDOG_PID' in env && env.WATCHDOG_PID === String(PID)
    expect(read(env)).toEqual({ ...nothing, watchdogTimeout, direct })
  })

  it.each([
    ...['', '0', '-1', '1.5', '30s', ' 30', '1e6', '9'.repeat(16), 'infinity'].map((value) => [
      { WATCHDOG_USEC: value },
      `WATCHDOG_USEC is "${value}", not a number of microseconds`,
    ]),
    ...['', '0', '-4711', 'self', '4711\n'].map((value) => [
      { WATCHDOG_USEC: '30000000', WATCHDOG_PID: value },
      `WATCHDOG_PID is ${JSON.stringify(value)}, not a process id`,
    ]),
  ] as [NodeJS.ProcessEnv, string][])('refuses %j', (env, problem) => {
    expect(read(env)).toEqual({
      ...nothing,
      problems: [
        `${problem}: no keep-alives are sent. Unset it, or set WatchdogSec= in the unit and start ` +
          'this process with systemd',
      ],
    })
  })
})
