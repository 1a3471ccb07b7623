import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { reapOrphans } from './orphans.ts'

describe(...requireOrSkip('reapOrphans', linuxSkipReason()), () => {
  it('does not collect processes that Node waits for', () => {
    expect(reapOrphans(new Set())).toEqual([])
  })
})
