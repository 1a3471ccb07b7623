import { describe, expect, it } from 'vitest'
import { resolveListen } from '../listen/options.ts'
import { failure } from '../testing/failure.ts'
import { resolveServe } from './options.ts'

describe('resolveServe', () => {
  it('fills in the defaults', () => {
    expect(resolveServe(8080)).toEqual({
      ...resolveListen(8080),
      drain: {
        delay: 0,
        idleTimeout: 5_000,
        timeout: 25_000,
        successor: undefined,
        idle: 'auto',
        webSocketCode: 1001,
        closeGrace: 2_000,
        spread: 2_000,
        streamTimeout: undefined,
      },
      signals: ['SIGTERM', 'SIGINT'],
      exit: true,
      idleExit: undefined,
      notify: true,
    })
  })

  it('listens to no signal with signals: false', () => {
    expect(resolveServe({ signals: false }).signals).toEqual([])
    expect(resolveServe({ signals: [] }).signals).toEqual([])
    expect(resolveServe({ signals: ['SIGINT'] }).signals).toEqual(['SIGINT'])
  })

  it.each<[option: string, wrong: unknown[], must: RegExp]>([
    ['signals', [null, true, 'SIGTERM', 15, {}], /^signals must be an array of signals or false/],
    [
      'signals',
      [['SIGHUP'], ['sigterm'], [undefined], [15]],
      /^signals must be 'SIGTERM' or 'SIGINT'/,
    ],
    ['exit', [null, 1, 'no'], /^exit must be true or false/],
    [
      'idleExit',
      [null, 0, 0.5, '5000'],
      /^idleExit must be a whole number of milliseconds between 1/,
    ],
    ['notify', [null, 1], /^notify must be true or false/],
    ['drain', [null, true, 5_000, 'quick'], /^drain must be an object/],
    ['backlog', [0], /^backlog must be/],
  ])('refuses wrong %s', (option, wrong, must) => {
    for (const value of wrong) {
      const error = failure(() => resolveServe({ [option]: value }))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
      expect(error.message).toMatch(must)
    }
  })

  it('refuses unknown options', () => {
    const error = failure(() => resolveServe({ timeout: 5 } as object))
    expect(error.code).toBe('ERR_SOCKET_PORT_UNKNOWN_OPTION')
    expect(error.message).toMatch(
      /^there is no option "timeout"; known are .*, drain, probes, signals, exit, idleExit, notify$/,
    )
  })
})
