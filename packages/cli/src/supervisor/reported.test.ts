import { expect, it } from 'vitest'
import { Reported } from './reported.ts'

it('keeps the last status, without control characters', () => {
  const reported = new Reported()
  expect(reported.status).toBeUndefined()
  reported.note(new Map([['STATUS', '\u001b[31mon\u001b[0m\u0007\u009b2J\u202e']]))
  reported.note(new Map([['WATCHDOG', '1']]))
  expect(reported.status).toBe('on\\u{7}\\u{202e}')
  reported.note(new Map([['STATUS', '']]))
  expect(reported.status).toBe('')
})
