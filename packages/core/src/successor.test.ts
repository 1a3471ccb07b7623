import { afterEach, describe, expect, it } from 'vitest'
import { inspect } from './inspect.ts'
import { resolveDrain } from './options.ts'

afterEach(() => {
  Reflect.deleteProperty(globalThis, Symbol.for('@socket-port/core/successor/1'))
  Reflect.deleteProperty(globalThis, Symbol.for('@socket-port/core/registry/1'))
  delete process.env.SOCKET_PORT_SUCCESSOR
})

describe('SOCKET_PORT_SUCCESSOR', () => {
  it.each([
    [undefined, 'after-exit'],
    ['running', 'running'],
    ['after-exit', 'after-exit'],
    ['garbage', 'after-exit'],
  ])('%s: the drain expects the successor %s', (value, expected) => {
    if (value !== undefined) process.env.SOCKET_PORT_SUCCESSOR = value
    expect(resolveDrain({}).successor).toBe(expected)
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
    expect(resolveDrain({}).successor).toBe(expected)
  })

  it('yields to what the program says', () => {
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    expect(resolveDrain({ successor: 'after-exit' }).successor).toBe('after-exit')
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
  })

  it('is gone with LISTEN_FDS, and remembered for a drain that comes later', () => {
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    inspect()
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
    expect(resolveDrain({}).successor).toBe('running')
  })
})
