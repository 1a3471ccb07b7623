import { describe, expect, it } from 'vitest'
import { readStoreName, storeName } from './fd-name.ts'

// fdname_is_valid() of systemd.
const VALID = /^[ -9;-~]{0,255}$/

describe('storeName', () => {
  it.each([
    ['web', '[::]:8080', 'socket-port/listener/web/[%3A%3A]%3A8080'],
    [undefined, '127.0.0.1:80', 'socket-port/listener//127.0.0.1%3A80'],
    ['a/b:c %', 'unix:/run/app.sock', 'socket-port/listener/a%2Fb%3Ac%20%25/unix%3A/run/app.sock'],
    ['é\n', '@x', 'socket-port/listener/%C3%A9%0A/@x'],
  ])('of %j at %s', (name, address, expected) => {
    expect(storeName(name, address)).toBe(expected)
    expect(expected).toMatch(VALID)
    expect(readStoreName(expected)).toEqual({ kind: 'listener', name })
  })

  it('is never too long, and never one that is present', () => {
    const path = `unix:/${'é'.repeat(50)}`
    const names: string[] = []
    for (let count = 0; count < 12; count += 1) names.push(storeName('web', path, names))
    expect(new Set(names).size).toBe(12)
    expect(names.every((name) => VALID.test(name))).toBe(true)
    expect(names[0]).toHaveLength(255)
    expect(names[11]).toMatch(/\/12$/)
  })
})

describe('readStoreName', () => {
  it.each([
    ['web', { kind: 'passed' }],
    ['', { kind: 'passed' }],
    ['stored', { kind: 'passed' }],
    ['socket-port/connection/1', { kind: 'other' }],
    ['socket-port/listener/', { kind: 'listener', name: undefined }],
    ['socket-port/listener/%zz/x', { kind: 'listener', name: '%zz' }],
  ])('of %j', (fdname, expected) => {
    expect(readStoreName(fdname)).toEqual(expected)
  })
})
