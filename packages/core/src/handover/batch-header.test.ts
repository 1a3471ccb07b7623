import { expect, test } from 'vitest'
import { promiseOf, readBatchHeader, writeBatchHeader } from './batch-header.ts'

test.each([
  { port: 8080, address: '::', promise: 5_000 },
  { port: 1, address: '127.0.0.1', promise: 0 },
])('%j is read as it was written', (label) => {
  expect(readBatchHeader(writeBatchHeader(label))).toEqual(label)
})

test('what a later version adds is left aside', () => {
  const bytes = Buffer.from('{"port":8080,"address":"::","promise":1,"tls":true}')
  expect(readBatchHeader(bytes)).toEqual({ port: 8080, address: '::', promise: 1 })
})

test.each([Number.POSITIVE_INFINITY, 2 ** 31, Number.NaN])(
  'a promise of %d ms, longer than any timer, has no end',
  (promise) => {
    const label = { port: 1, address: '::', promise }
    expect(readBatchHeader(writeBatchHeader(label))).toEqual({ ...label, promise: 0 })
    // As earlier versions wrote it.
    expect(readBatchHeader(Buffer.from(JSON.stringify(label)))).toEqual({ ...label, promise: 0 })
  },
)

test('the longest promise that a timer counts is kept', () => {
  expect(promiseOf(2 ** 31 - 1)).toBe(2 ** 31 - 1)
})

test.each(['', 'socket-port 4711', 'null', '{}', '[]', '{"port":"8080","address":"","promise":1}'])(
  '%j is no label',
  (text) => {
    expect(readBatchHeader(Buffer.from(text))).toBeUndefined()
  },
)
