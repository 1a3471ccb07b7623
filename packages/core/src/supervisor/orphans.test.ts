import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { reapOrphans } from './orphans.ts'

describe(...requireOrSkip('reapOrphans', linuxSkipReason()), () => {
  it('leaves alone what Node waits for', () => {
    expect(reapOrphans(new Set())).toEqual([])
  })
})
