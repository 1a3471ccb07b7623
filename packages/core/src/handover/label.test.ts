import { expect, test } from 'vitest'
import { readLabel, writeLabel } from './label.ts'

test.each([
  { port: 8080, address: '::', promise: 5_000 },
  { port: 1, address: '127.0.0.1', promise: 0 },
])('%j is read as it was written', (label) => {
  expect(readLabel(writeLabel(label))).toEqual(label)
})

test('what a later version adds is left aside', () => {
  const bytes = Buffer.from('{"port":8080,"address":"::","promise":1,"tls":true}')
  expect(readLabel(bytes)).toEqual({ port: 8080, address: '::', promise: 1 })
})

test.each(['', 'socket-port 4711', 'null', '{}', '[]', '{"port":"8080","address":"","promise":1}'])(
  '%j is no label',
  (text) => {
    expect(readLabel(Buffer.from(text))).toBeUndefined()
  },
)
