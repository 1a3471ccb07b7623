import { expect, test } from 'vitest'
import { nearest } from './suggest.ts'

test.each([
  ['relaod', 'reload'],
  ['lissen', 'listen'],
  ['listen-', 'listen'],
  ['stats', 'status'],
  ['server.js', undefined],
  ['', undefined],
  ['node', undefined],
])('%j was meant to be %j', (word, meant) => {
  expect(nearest(word, ['run', 'reload', 'status', 'stop', 'listen'])).toBe(meant)
})
