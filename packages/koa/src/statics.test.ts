import base, * as baseNames from 'koa'
import { describe, expect, it } from 'vitest'
import Koa, * as names from './index.ts'

it('is tested with the major that this project names', () => {
  expect('createHttpError' in base).toBe(process.env.MAJOR === '3')
})

describe('the class', () => {
  it('differs from Koa only in its name', () => {
    expect(new Koa()).toBeInstanceOf(base)
    expect(Koa.name).toBe(base.name)
    expect(Koa.HttpError).toBe(base.HttpError)
    expect(Object.keys(new Koa()).sort()).toEqual(Object.keys(new base()).sort())
  })

  it('is its own default, because that of Koa would not drain', () => {
    expect(Koa.default).toBe(Koa)
    expect((base as unknown as typeof Koa).default).toBe(base)
  })

  it('takes the options of Koa too', () => {
    const options = { proxy: true, env: 'staging', keys: ['secret'], socketPort: { name: 'app' } }
    expect(new Koa(options)).toMatchObject({ proxy: true, env: 'staging', keys: ['secret'] })
  })

  it('leaves Koa itself alone', () => {
    expect(Koa.prototype.listen).not.toBe(base.prototype.listen)
    expect(new base().listen).toBe(base.prototype.listen)
  })

  it('may be extended, also by a subclass that calls its methods', () => {
    class Larger extends Koa {
      override callback(): ReturnType<Koa['callback']> {
        throw new Error('asked for the callback')
      }
    }
    expect(() => new Larger().listen(0)).toThrow('asked for the callback')
  })
})

describe('the module', () => {
  it('has every name of Koa', () => {
    const { default: _, ...expected } = baseNames
    expect(names).toMatchObject(expected)
    expect(Object.keys(expected)).toContain('HttpError')
  })

  it('is the class for require, and by the name of Koa’s own', () => {
    expect(names['module.exports']).toBe(Koa)
    expect(names.Application).toBe(Koa)
  })
})
