import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { readStat, reapOrphans } from './orphans.ts'

describe(...requireOrSkip('readStat', linuxSkipReason()), () => {
  it('tells state, parent and session, whatever the name of the program', async () => {
    const child = spawn('/bin/sh', ['-c', 'printf "x) Z 1 2" > /proc/$$/comm; echo; read _'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    await once(child.stdout, 'data')
    expect(readStat(child.pid as number)).toMatchObject({
      state: expect.stringMatching(/[RS]/),
      parent: process.pid,
      session: child.pid,
    })
    child.stdin.end()
    await once(child, 'close')
    expect(readStat(child.pid as number)).toBeUndefined()
  })

  it('leaves alone what Node waits for', () => {
    expect(reapOrphans(new Set())).toEqual([])
  })
})
