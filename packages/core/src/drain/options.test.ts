import { describe, expect, it } from 'vitest'
import { failure } from '../testing/failure.ts'
import { resolveDrain } from './options.ts'

describe('resolveDrain', () => {
  it('takes durations up to the longest that a timer can hold', () => {
    const most = 2 ** 31 - 1
    expect(resolveDrain({ delay: 0, idleTimeout: 0, timeout: 0 })).toMatchObject({ timeout: 0 })
    expect(resolveDrain({ idleTimeout: most, timeout: most })).toMatchObject({ timeout: most })
  })

  it.each(['delay', 'idleTimeout', 'timeout'])('refuses a wrong %s', (option) => {
    for (const value of [null, -1, 0.5, '5000', Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      const error = failure(() => resolveDrain({ [option]: value }))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
      expect(error.message).toBe(
        `drain.${option} must be a whole number of milliseconds between 0 and 2147483647 (got ${
          typeof value === 'string' ? JSON.stringify(value) : value
        })`,
      )
    }
  })

  it('refuses an unknown value of successor', () => {
    for (const successor of [null, 'soon', true]) {
      const error = failure(() => resolveDrain({ successor } as object))
      expect(error.message).toMatch(/^drain\.successor must be 'after-exit' or 'running' \(got /)
    }
  })

  it('refuses a delay as long as the timeout', () => {
    expect(() => resolveDrain({ delay: 4_999, timeout: 5_000 })).not.toThrow()
    for (const delay of [5_000, 6_000]) {
      const error = failure(() => resolveDrain({ delay, timeout: 5_000 }))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
      expect(error.message).toBe(
        `drain.delay must be shorter than drain.timeout (5000) (got ${delay})`,
      )
    }
  })

  it('refuses unknown options', () => {
    const error = failure(() => resolveDrain({ grace: 5 } as object))
    expect(error.code).toBe('ERR_SOCKET_PORT_UNKNOWN_OPTION')
    expect(error.message).toBe(
      'there is no drain option "grace"; known are delay, idleTimeout, timeout, successor, idle, webSocketCode, closeGrace, spread, streamTimeout',
    )
  })
})
