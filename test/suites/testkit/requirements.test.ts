import {
  commandSkipReason,
  linuxSkipReason,
  requireOrSkip,
} from '@socket-port/testkit/requirements'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('a met requirement runs its suite', () => {
  vi.stubEnv('CI', 'true')
  expect(requireOrSkip('a tool', undefined)).toEqual(['a tool', { skip: false }])
})

test('a missing requirement skips its suite under a name that says why', () => {
  vi.stubEnv('CI', undefined)
  const [name, options] = requireOrSkip('a tool', 'it is not installed')
  expect(name).toBe('a tool (skipped: it is not installed)')
  expect(options.skip).toBe(true)
})

test('a missing requirement fails in CI', () => {
  vi.stubEnv('CI', 'true')
  expect(() => requireOrSkip('a tool', 'it is not installed')).toThrow(
    'CI must not skip what needs a tool: it is not installed',
  )
})

test('another platform is named', () => {
  expect(linuxSkipReason('linux')).toBeUndefined()
  expect(linuxSkipReason('darwin')).toBe('needs Linux, and this is darwin')
})

test('commands are looked up on PATH', () => {
  expect(commandSkipReason('sh')).toBeUndefined()
  expect(commandSkipReason('no-such-command')).toBe('no-such-command is not installed')
})
