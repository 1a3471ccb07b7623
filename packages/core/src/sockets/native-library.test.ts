import { createRequire } from 'node:module'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadNativeLibrary, nativeLibrary } from './native-library.ts'

const loaded = vi.hoisted(() => ({
  names: [] as string[],
  failure: undefined as Error | undefined,
}))

vi.mock(import('./require-native.ts'), async (original) => {
  const { requireNative } = await original()
  return {
    requireNative(name) {
      loaded.names.push(name)
      if (name.endsWith('.node') && loaded.failure !== undefined) throw loaded.failure
      return requireNative(name)
    },
  }
})

afterEach(() => {
  loaded.names.length = 0
  loaded.failure = undefined
})

const notFound = (): Error =>
  Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })

describe(...requireOrSkip('the native library of Linux', linuxSkipReason()), () => {
  it('is the binary that its package would load', () => {
    expect(loadNativeLibrary()).toBe(createRequire(import.meta.url)(nativeLibrary))
    expect(loaded.names).toEqual([expect.stringMatching(/^@koromix\/koffi-\S+\/\w+\/koffi\.node$/)])
  })

  it('is loaded by its package if the binary is elsewhere', () => {
    loaded.failure = notFound()
    expect(loadNativeLibrary()).toBe(createRequire(import.meta.url)(nativeLibrary))
    expect(loaded.names.at(-1)).toBe(nativeLibrary)
  })

  it('is not tried again if native code is not allowed', () => {
    loaded.failure = Object.assign(new Error('disabled'), { code: 'ERR_DLOPEN_DISABLED' })
    expect(loadNativeLibrary).toThrow('disabled')
  })
})

it('loads the package if the binary of Node does not show its libc', () => {
  vi.stubGlobal('process', { ...process, execPath: '/nowhere' })
  try {
    loadNativeLibrary()
  } catch {
    // There is none for this platform.
  }
  vi.unstubAllGlobals()
  expect(loaded.names).toEqual([nativeLibrary])
})
