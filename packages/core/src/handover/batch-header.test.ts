import { expect, test } from 'vitest'
import { type BatchHeader, readBatchHeader, writeBatchHeader } from './batch-header.ts'

const HEADER = { version: 1, kind: 'idle-http', connections: 3, promise: 5_000 }

const read = (value: unknown): unknown => readBatchHeader(Buffer.from(JSON.stringify(value)))

/** The rule of the receiver before version 1: what it took for idle HTTP connections. */
function oldReceiverTakes(bytes: Uint8Array): boolean {
  try {
    const { port, address, promise } = JSON.parse(Buffer.from(bytes).toString())
    const promised = promise === null || promise >= 0
    return Number.isInteger(port) && typeof address === 'string' && promised
  } catch {
    return false
  }
}

test.each([5_000, 1_500.5, 0])('a promise of %d ms is read as it was written', (promise) => {
  const header = { kind: 'idle-http', connections: 253, promise } as const
  expect(readBatchHeader(writeBatchHeader(header))).toEqual(header)
})

test.each([Number.POSITIVE_INFINITY, 2 ** 31, Number.NaN])(
  'a promise of %d ms, which no timer can hold, counts as one without end',
  (promise) => {
    const bytes = writeBatchHeader({ kind: 'idle-http', connections: 1, promise })
    expect(readBatchHeader(bytes)).toEqual({ kind: 'idle-http', connections: 1, promise: 0 })
  },
)

test('unknown keys of a known version are ignored', () => {
  const known = { kind: 'idle-http', connections: 3, promise: 5_000 }
  expect(read({ ...HEADER, sender: 'tests', port: 80, kinds: ['websocket'] })).toEqual(known)
})

test.each([
  // The previous release sent this.
  [{ port: 8080, address: '::', promise: 5_000 }, 'a header without a version'],
  [{}, 'a header without a version'],
  [{ ...HEADER, version: 2 }, 'version 2, kind "idle-http"'],
  [{ ...HEADER, version: '1' }, 'version "1", kind "idle-http"'],
  [{ ...HEADER, version: null }, 'version "null", kind "idle-http"'],
  [{ ...HEADER, kind: 'websocket' }, 'version 1, kind "websocket"'],
  [{ ...HEADER, kind: undefined }, 'version 1, kind "none"'],
  [{ ...HEADER, kind: 'a\u001b[31m' }, 'version 1, kind "a\\u001b[31m"'],
  [{ ...HEADER, connections: 0 }, '0 as the number of connections'],
  [{ ...HEADER, connections: 1.5 }, '1.5 as the number of connections'],
  [{ ...HEADER, connections: '3' }, '"3" as the number of connections'],
  [{ ...HEADER, promise: null }, '"null" as the keep-alive promise'],
  [{ ...HEADER, promise: -1 }, '-1 as the keep-alive promise'],
  [{ ...HEADER, promise: undefined }, '"none" as the keep-alive promise'],
  [{ ...HEADER, kind: 'continued' }, 'no key for its file'],
  [null, 'no header'],
  [[HEADER], 'no header'],
  ['idle-http', 'no header'],
  [1, 'no header'],
])('%j is refused: %s', (value, seen) => {
  expect(read(value)).toBe(seen)
})

test.each([
  ['nothing', ''],
  ['the probe of a sender', 'socket-port 4711'],
  ['half a header', JSON.stringify(HEADER).slice(0, -1)],
  ['two headers', JSON.stringify(HEADER).repeat(2)],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
])('%s is no header', (_, bytes) => {
  expect(readBatchHeader(Buffer.from(bytes as string))).toBe('no header')
})

const HEADERS: BatchHeader[] = [
  { kind: 'idle-http', connections: 1, promise: 5_000 },
  { kind: 'continued', connections: 1, key: 'a2V5' },
]

test.each(HEADERS)('the receiver before version 1 refuses a header of $kind', (header) => {
  const before = Buffer.from('{"port":8080,"address":"::","promise":5000}')
  expect(oldReceiverTakes(before)).toBe(true)
  expect(oldReceiverTakes(writeBatchHeader(header))).toBe(false)
})

test.each(HEADERS)(
  'a receiver of a later version finds the version of a header of $kind',
  (header) => {
    const { version, kind, connections } = JSON.parse(
      Buffer.from(writeBatchHeader(header)).toString(),
    )
    expect({ version, kind, connections }).toEqual({
      version: 1,
      kind: header.kind,
      connections: 1,
    })
  },
)
