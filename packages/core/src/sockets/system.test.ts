import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../base/types.ts'
import type { SocketSystem } from './facts.ts'
import { plainSystem } from './plain.ts'
import { socketSystem } from './system.ts'

const load = vi.hoisted(() => ({ failure: undefined as Error | undefined }))

vi.mock(import('./libc.ts'), async (original) => {
  const { loadLibc, ...rest } = await original()
  const fail = (): never => {
    throw load.failure
  }
  return { ...rest, loadLibc: () => (load.failure === undefined ? loadLibc() : fail()) }
})

const warnings: string[] = []
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message) => void warnings.push(message),
  error: (message) => void warnings.push(message),
}

const made = (): SocketSystem => socketSystem(logger)

afterEach(() => {
  load.failure = undefined
  warnings.length = 0
  vi.unstubAllGlobals()
})

const onLinux = (what: string) => requireOrSkip(what, linuxSkipReason())

describe('socketSystem', () => {
  it(...onLinux('is native where libc can be called'), () => {
    expect(made()).not.toBe(plainSystem)
    expect(warnings).toEqual([])
  })

  it(...onLinux('is plain where it cannot, and says why and what to do'), () => {
    load.failure = new Error("Cannot find module 'x'\nRequire stack:\n- /a.js")
    expect(made()).toBe(plainSystem)
    expect(warnings).toEqual([
      "libc cannot be used (Cannot find module 'x'), so an inherited socket is served as it is: once " +
        'closed it cannot be listened on again. Install the optional dependency ' +
        `@koromix/koffi-linux-${process.arch} and allow native code (--allow-addons)`,
    ])
  })

  it.each(['darwin', 'win32'])('is plain on %s, without a warning', (platform) => {
    vi.stubGlobal('process', { ...process, platform })
    load.failure = new Error('asked for libc')
    expect(made()).toBe(plainSystem)
    expect(warnings).toEqual([])
  })
})
