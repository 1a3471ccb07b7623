import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { endSession, sessionOf } from './session.ts'

describe(...requireOrSkip('endSession', linuxSkipReason()), () => {
  it.each([
    ['what ends when it is told to', 'sleep 60 & echo up'],
    ['nothing', 'echo up'],
  ])('%s', async (_, script) => {
    const child = spawn('/bin/sh', ['-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    await once(child, 'exit')
    await endSession(child.pid as number)
    expect(sessionOf(child.pid as number)).toEqual([])
  })
})
