import { expect, test } from 'vitest'
import { UsageError } from '../base/errors.ts'
import { duration, oneOf, permissions, port, whole } from './scalars.ts'

test.each([
  ['500', 500],
  ['0', 0],
  ['500ms', 500],
  ['1.5s', 1_500],
  ['2m', 120_000],
])('a duration: %s', (value, ms) => {
  expect(duration('settle', value)).toBe(ms)
})

test.each([
  () => duration('settle', '1h'),
  () => duration('settle', '-1'),
  () => duration('settle', '1e3'),
  () => duration('settle', ''),
  () => duration('settle', '99999999999'),
  () => whole('workers', '0', 1, 1_024),
  () => whole('workers', '1025', 1, 1_024),
  () => whole('workers', '2.5', 1, 1_024),
  () => whole('workers', '0x2', 1, 1_024),
  () => oneOf('way', 'sockets', ['socket', 'store']),
  () => permissions('mode', '888'),
  () => permissions('mode', '7777'),
  () => port('--port', '0'),
  () => port('--port', '65536'),
  () => port('--port', 'http'),
])('an invalid value is refused: %s', (attempt) => {
  expect(attempt).toThrow(UsageError)
})

test('whole numbers, words, permissions and ports', () => {
  expect(whole('workers', '1024', 1, 1_024)).toBe(1_024)
  expect(oneOf('way', 'store', ['socket', 'store'])).toBe('store')
  expect(permissions('mode', '660')).toBe(0o660)
  expect(permissions('mode', '0660')).toBe(0o660)
  expect(port('--port', '65535')).toBe(65_535)
})
