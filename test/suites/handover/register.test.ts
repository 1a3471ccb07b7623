import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, it } from 'vitest'
import { expectOwnEnd } from '../process/own-signals.ts'

afterEach(endProcesses)

const KINDS = [
  'exits',
  'cuts',
  'closes',
  'cleans',
  'throws',
  'caught,throws',
  'raises',
  'code',
  'first,exits',
  'exits,first',
  'removed,closes',
  'says,ends',
  'cleans,ends',
  'awaits',
  'catches',
  'signal-exit',
  'signal-exit3',
  'signal-exit,signal-exit3,cleans',
]

describe.each(['OWN', 'LATER'])(
  'what the program does at SIGTERM, with the preload, by %s',
  (when) => {
    it.each(KINDS)('%s: no request is lost, and its end is its own', async (kind) => {
      await expectOwnEnd({ [when]: kind })
    })
  },
)
