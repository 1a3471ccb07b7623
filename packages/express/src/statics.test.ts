import base, * as baseNames from 'express'
import { describe, expect, it } from 'vitest'
import express, * as names from './index.ts'

// Newer Nodes add it to what they show of a CommonJS module.
const COMMONJS = 'module.exports'

it('is tested with the major that this project names', () => {
  expect('query' in base).toBe(process.env.MAJOR === '4')
})

describe('the function', () => {
  it('has the properties of Express, getters too', () => {
    expect(Object.getOwnPropertyDescriptors(express)).toEqual(
      Object.getOwnPropertyDescriptors(base),
    )
    expect(express.Router).toBe(base.Router)
    expect(express.static).toBe(base.static)
  })

  it('creates applications like those of Express, also with new', () => {
    const create = express as unknown as new () => object
    for (const app of [express(), new create()]) {
      expect(Object.keys(app).sort()).toEqual(Object.keys(base()).sort())
    }
  })

  it('gives each application a listen of its own, and leaves that of Express alone', () => {
    const { listen } = base.application
    const [app, other] = [express(), express()]
    expect(app.listen).not.toBe(other.listen)
    expect(base.application.listen).toBe(listen)
    expect(base().listen).toBe(listen)
  })
})

describe('the module', () => {
  it('has every name of Express', () => {
    const expected = Object.keys(baseNames).filter((name) => name !== COMMONJS)
    expect(Object.keys(names)).toEqual(expect.arrayContaining(expected))
    for (const name of expected.filter((name) => name !== 'default')) {
      expect({ [name]: names[name as keyof typeof names] }).toEqual({
        [name]: baseNames[name as keyof typeof baseNames],
      })
    }
  })

  it('is the function for require', () => {
    expect(names[COMMONJS]).toBe(express)
    expect(names.default).toBe(express)
  })
})
