import { Socket } from 'node:net'
import { describe, expect, it, test, vi } from 'vitest'
import { attachmentOf, isContinued, reportRefusal, setAttachment } from './attachment.ts'
import { decodeAttachment, encodeAttachment } from './attachment-bytes.ts'
import { handOverEventStream } from './event-stream.ts'

const request = (): never => ({ rawHeaders: [] }) as never

test('attachmentOf is undefined for a new client, and null for one that was handed over without an attachment', () => {
  const [fresh, bare, full] = [request(), request(), request()]
  setAttachment(bare, undefined)
  setAttachment(full, { user: 1 })
  expect([fresh, bare, full].map((each) => attachmentOf(each))).toEqual([
    undefined,
    null,
    { user: 1 },
  ])
  expect([fresh, bare, full].map((each) => isContinued(each))).toEqual([false, true, true])
})

test.each(['raw', 'req'])('a framework keeps the request in its %s', (name) => {
  const kept = request()
  setAttachment(kept, 7)
  expect(attachmentOf({ [name]: kept } as never)).toBe(7)
})

test('reportRefusal reports a continued connection, and does nothing for a new client', () => {
  const [fresh, continued] = [request(), request()]
  const refused = vi.fn()
  setAttachment(continued, 7, refused)
  for (const each of [fresh, continued]) reportRefusal(each, 'its token has expired')
  expect(refused.mock.calls).toEqual([['its token has expired']])
})

test.each([[undefined], [null], ['request'], [{}], [{ raw: {} }], [new Socket()]])(
  'a value that is no request is refused: %#',
  (value) => {
    const code = 'ERR_SOCKET_PORT_INVALID_OPTION'
    expect(() => attachmentOf(value as never)).toThrow(expect.objectContaining({ code }))
    const response = { writeHead() {}, write() {} }
    expect(() => handOverEventStream(value as never, response as never)).toThrow(
      expect.objectContaining({ code }),
    )
  },
)

test.each([
  [undefined, {}],
  ['response', {}],
  [{ writeHead() {}, write() {} }, { attachment: { sent: 1 } }],
])('a wrong response or attachment is refused: %#', (response, options) => {
  expect(() => handOverEventStream(request(), response as never, options as never)).toThrow(
    expect.objectContaining({ code: 'ERR_SOCKET_PORT_INVALID_OPTION' }),
  )
})

describe('an attachment', () => {
  it('may be any value that structuredClone takes', () => {
    const value = {
      text: 'x',
      big: 1n,
      date: new Date(0),
      map: new Map([[1, new Set(['a'])]]),
      bytes: new Uint8Array([1, 2]),
      error: new TypeError('no'),
      none: undefined,
    }
    const encoded = encodeAttachment(value)
    expect(decodeAttachment(encoded as Uint8Array)).toEqual(value)
  })

  it.each([
    [() => {}, 'attachment is a function'],
    [{ user: { name: 'a', greet: () => {} } }, 'attachment.user.greet is a function'],
    [[1, { s: Symbol('x') }], 'attachment[1].s is a symbol'],
    [new Map([['a', { f: () => {} }]]), 'attachment.get(a).f is a function'],
    [new Set([() => {}]), 'attachment.values() is a function'],
    [{ left: { socket: new Promise(() => {}) } }, 'attachment.left.socket is a Promise'],
    [{ weak: new WeakMap() }, 'attachment.weak is a WeakMap'],
  ])('%# is refused with the path to what cannot be copied', (value, where) => {
    const problem = `its attachment cannot be copied to another process: ${where}`
    expect(encodeAttachment(value)).toBe(problem)
  })

  it('with a socket in it is refused', () => {
    const socket = new Socket()
    socket.on('data', () => {})
    expect(encodeAttachment({ client: { socket } })).toContain(
      'attachment.client.socket is a Socket',
    )
  })

  it('may contain itself', () => {
    const value: { self?: unknown } = {}
    value.self = value
    expect(typeof encodeAttachment(value)).toBe('object')
  })

  it('has at most 64 KiB', () => {
    expect(typeof encodeAttachment('x'.repeat(60_000))).toBe('object')
    expect(encodeAttachment('x'.repeat(70_000))).toMatch(
      /^its attachment has 70\d\d\d bytes, and 65536 is the most$/,
    )
  })
})
