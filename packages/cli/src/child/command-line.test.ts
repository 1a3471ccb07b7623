import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commandLine } from './command-line.ts'
import { hasSetpriv } from './setpriv.ts'

const PRINT = [
  '/bin/sh',
  '-c',
  'echo "$$ $LISTEN_PID $WATCHDOG_PID"; printf "<%s>" "$@"',
  'sh',
] as const

describe('commandLine', () => {
  it.each([false, true])(
    'the process has its own pid, and its arguments as they are (setpriv: %s)',
    async (wanted) => {
      const setpriv = wanted && (await hasSetpriv())
      const words = ['a b', "it's", '$HOME', '', '--', '-x']
      const [file, args] = commandLine([...PRINT, ...words], { pid: process.pid, setpriv })
      const [pids = '', shown] = execFileSync(file, args, { encoding: 'utf8' }).split('\n')
      const [pid, listenPid, watchdogPid] = pids.split(' ')
      expect([listenPid, watchdogPid]).toEqual([pid, pid])
      expect(shown).toBe(words.map((word) => `<${word}>`).join(''))
    },
  )

  it('starts nothing for a parent that is gone already', () => {
    const [file, args] = commandLine(PRINT, { pid: 1, setpriv: false })
    expect(() => execFileSync(file, args, { stdio: 'pipe' })).toThrow('Command failed')
  })
})
