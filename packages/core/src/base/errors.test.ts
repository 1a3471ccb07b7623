import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { errorCodes, SocketPortError } from './errors.ts'

describe('SocketPortError', () => {
  it('has its code and the given details, and no other property', () => {
    const cause = new Error('below')
    const error = new SocketPortError('EADDRINUSE', 'in use', {
      port: 80,
      address: undefined,
      syscall: 'listen',
      errno: -98,
      cause,
    })
    expect({ ...error }).toEqual({
      name: 'SocketPortError',
      code: 'EADDRINUSE',
      port: 80,
      syscall: 'listen',
      errno: -98,
    })
    expect('address' in error).toBe(false)
    expect(error.message).toBe('in use')
    expect(error.cause).toBe(cause)
    expect(error.stack).toMatch(/^SocketPortError: in use\n/)
  })

  it('has no cause unless one was given', () => {
    expect('cause' in new SocketPortError('EACCES', 'no')).toBe(false)
  })

  it('is an Error, and of its own class', () => {
    const error = new SocketPortError('EACCES', 'no')
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(SocketPortError)
  })

  it('is an instance of the class of another copy of this package', async () => {
    vi.resetModules()
    const copy = await import('./errors.ts')
    expect(copy.SocketPortError).not.toBe(SocketPortError)
    expect(new copy.SocketPortError('EACCES', 'no')).toBeInstanceOf(SocketPortError)
    expect(new SocketPortError('EACCES', 'no')).toBeInstanceOf(copy.SocketPortError)
  })

  it.each([new Error('EACCES'), { code: 'EACCES' }, null, undefined, 'EACCES', 7])(
    'is not %j',
    (value) => {
      expect(value instanceof SocketPortError).toBe(false)
    },
  )
})

describe('docs/errors.md', () => {
  const text = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `(E[A-Z_]+)` \| (.+) \| (.+) \|$/gm)].map(
    ([, code = '', meaning, fix]) => ({ code, meaning, fix }),
  )
  const own = rows.filter(({ code }) => code in errorCodes)

  it('has a row for each code of our own, with the meaning that the source gives', () => {
    const documented = Object.fromEntries(own.map(({ code, meaning }) => [code, meaning]))
    expect(documented).toEqual(errorCodes)
    expect(own.map(({ code }) => code)).toEqual(Object.keys(errorCodes))
  })

  it('has no code of our own that does not exist', () => {
    const codes = text.match(/\bERR_SOCKET_PORT_\w+/g) ?? []
    expect(codes.filter((code) => !(code in errorCodes))).toEqual([])
  })

  it('has a row for each code of Node that is kept', () => {
    const source = readFileSync(new URL('errors.ts', import.meta.url), 'utf8')
    const [, union = ''] = /type BindErrorCode =\n([\s\S]*?)\n\n/.exec(source) ?? []
    const kept = [...union.matchAll(/'(E\w+)'/g)].map(([, code]) => code)
    const documented = rows.map(({ code }) => code).filter((code) => !(code in errorCodes))
    expect(documented.toSorted()).toEqual(kept.toSorted())
  })

  it('has no meaning and no fix twice', () => {
    expect(new Set(rows.map(({ code }) => code)).size).toBe(rows.length)
    expect(new Set(rows.map(({ fix }) => fix)).size).toBe(rows.length)
  })
})
