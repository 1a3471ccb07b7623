import { describe, expect, it } from 'vitest'
import { childEnvironment, type Passed } from './environment.ts'

const passed: Passed = {
  names: ['web', 'unknown'],
  notifySocket: '@ours',
  channel: [5, 6],
  watchdog: undefined,
  storeSize: 8,
  generation: 3,
  worker: 1,
  files: {},
  colours: undefined,
  terminal: false,
}

const OURS = {
  NOTIFY_SOCKET: '@ours',
  FDSTORE: '8',
  SOCKET_PORT_SUCCESSOR: 'running',
  SOCKET_PORT_CHANNEL: '5,6',
  SOCKET_PORT_GENERATION: '3',
  SOCKET_PORT_WORKER: '1',
}

describe('childEnvironment', () => {
  it('says what is passed, and nothing of what our own manager has said', () => {
    const env = {
      ...{
        PATH: '/bin',
        LISTEN_FDS: '9',
        LISTEN_PID: '1',
        LISTEN_PIDFDID: '2',
        LISTEN_FDNAMES: 'x',
      },
      ...{
        NOTIFY_SOCKET: '/run/systemd/notify',
        WATCHDOG_USEC: '1',
        WATCHDOG_PID: '1',
        FDSTORE: '1',
      },
      ...{ SOCKET_PORT_WORKER: '7', SOCKET_PORT_SUCCESSOR: 'x', LISTEN_FDS_START: 'mine' },
    }
    expect(childEnvironment(env, passed)).toEqual({
      ...{ PATH: '/bin', LISTEN_FDS_START: 'mine', LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:unknown' },
      ...OURS,
    })
  })

  it('says nothing of sockets where there are none', () => {
    expect(childEnvironment({}, { ...passed, names: [] })).toEqual(OURS)
  })

  it('says that there is a terminal', () => {
    const env = childEnvironment({}, { ...passed, terminal: true })
    expect(env.SOCKET_PORT_TERMINAL).toBe('1')
  })

  it('gives the watchdog in microseconds', () => {
    const env = childEnvironment({}, { ...passed, watchdog: 1500.5 })
    expect(env.WATCHDOG_USEC).toBe('1500500')
  })

  it('environment files win over the environment, and never over what is passed', () => {
    const files = { MODE: 'file', NOTIFY_SOCKET: '@theirs' }
    const env = childEnvironment({ MODE: 'env' }, { ...passed, files })
    expect(env).toMatchObject({ MODE: 'file', NOTIFY_SOCKET: '@ours' })
  })

  it.each([
    [{}, '2'],
    [{ FORCE_COLOR: '0' }, '0'],
    [{ NO_COLOR: '1' }, undefined],
  ])('colours where the terminal has them: %j', (env, expected) => {
    const { FORCE_COLOR } = childEnvironment(env, { ...passed, colours: '2' })
    expect(FORCE_COLOR).toBe(expected)
  })
})
