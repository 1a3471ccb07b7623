import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect, it, onTestFinished } from 'vitest'
import { TerminalOutput } from './terminal-output.ts'

/** An output in place of a terminal, and what has come there. */
function terminal() {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  const fd = openSync(join(directory, 'screen'), 'a')
  onTestFinished(() => {
    closeSync(fd)
    rmSync(directory, { recursive: true })
  })
  const output = new TerminalOutput(Object.assign(new Writable(), { fd }), 'stderr', () => {})
  return { output, screen: () => readFileSync(join(directory, 'screen'), 'utf8') }
}

const ERASE = '\r\u001b[K'

it('rewrites its last line, and shows other output above it', () => {
  const { output, screen } = terminal()
  output.write('start\n')
  output.rewrite('2 s left')
  output.rewrite('1 s left')
  output.write('log\n')
  output.rewrite(undefined)
  output.write('end\n')
  expect(screen()).toBe(`start\n2 s left${ERASE}1 s left${ERASE}log\n1 s left${ERASE}end\n`)
})

it('waits for the end of a line that a process has begun', () => {
  const { output, screen } = terminal()
  output.write('half')
  output.rewrite('2 s left')
  output.write(' and half\n')
  output.write('more')
  output.rewrite(undefined)
  expect(screen()).toBe(`half and half\n2 s left${ERASE}more`)
})

it('cuts a line that would continue in the next one', () => {
  const { output, screen } = terminal()
  output.rewrite('x'.repeat(500))
  expect(screen().length).toBeLessThan(500)
})
