import { describe, expect, it } from 'vitest'
import { readListenArguments } from './node-listen.ts'

const callback = (): void => {}
const off = { ipv6Only: false, reusePort: false, exclusive: false }

describe('readListenArguments', () => {
  it.each<[unknown[], object]>([
    [[], {}],
    [[callback], {}],
    [[undefined, callback], {}],
    [[null], {}],
    [[8080], { port: 8080 }],
    [['8080'], { port: 8080 }],
    [[8080, '::1'], { port: 8080, host: '::1' }],
    [[8080, '::1', 64, callback], { port: 8080, host: '::1', backlog: 64 }],
    [[8080, 64], { port: 8080, backlog: 64 }],
    [[8080, undefined, callback], { port: 8080 }],
    [[8080, '', callback], { port: 8080 }],
    [['/run/app.sock'], { path: '/run/app.sock' }],
    [['app.sock', 64, callback], { path: 'app.sock', backlog: 64 }],
    [['abc', callback], { path: 'abc' }],
    [[{ port: 8080 }], { port: 8080, ...off }],
    [[{ port: '8080', host: '::1' }, callback], { port: 8080, host: '::1', ...off }],
    [[{ port: undefined }], { ...off }],
    [[{ port: null }], { ...off }],
    [[0], { port: 0 }],
    [[{ path: '/run/app.sock', backlog: 64 }], { path: '/run/app.sock', backlog: 64, ...off }],
    [[{ port: 1, path: '/run/app.sock' }], { port: 1, ...off }],
    [
      [{ port: 0, ipv6Only: true, exclusive: true }],
      { port: 0, ...off, ipv6Only: true, exclusive: true },
    ],
  ])('reads %j', (args, options) => {
    expect(readListenArguments(args)?.options).toEqual(options)
    expect(readListenArguments(args)?.callback).toBe(args.includes(callback) ? callback : undefined)
  })

  it('keeps the options that only Node reads', () => {
    const args = [{ path: 'a', readableAll: true, writableAll: false, cb: callback }]
    expect(readListenArguments(args)?.nodeOptions).toEqual({ readableAll: true })
  })

  it('takes a signal', () => {
    const { signal } = new AbortController()
    expect(readListenArguments([{ port: 0, signal }])?.signal).toBe(signal)
  })

  it.each<[unknown[], object]>([
    [[{ port: 0 }, 64], { port: 0, backlog: 64, ...off }],
    [[{ port: 0, backlog: 32 }, 64], { port: 0, backlog: 32, ...off }],
    [[0, undefined, '127.0.0.1'], { port: 0 }],
    [[0, 64, '127.0.0.1'], { port: 0, backlog: 64 }],
  ])('reads %j as Node does', (args, options) => {
    expect(readListenArguments(args)?.options).toEqual(options)
  })

  it.each([
    [{ fd: 3 }],
    [{ _handle: {} }],
    [65_536],
    [-1],
    ['-1'],
    [1.5],
    [Number.NaN],
    [true],
    [{}],
    [''],
    [' '],
    ['\t'],
    [{ port: 0, signal: 'INVALID_SIGNAL' }],
    [{ port: 0, signal: null }],
    [{ path: '/run/app.sock', signal: {} }],
  ])('leaves %j to Node', (first) => {
    expect(readListenArguments([first])).toBeUndefined()
  })
})
