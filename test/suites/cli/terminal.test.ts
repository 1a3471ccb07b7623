import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type OnTerminal,
  SOCKET_PORT,
  socketPort,
  startOnTerminal,
  typeOnTerminal,
} from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { afterTest, SERVER, startUpload } from './supervising.ts'

/** `run` on a terminal that shows colours. */
function runOnTerminal(
  options: readonly string[],
  command: readonly string[],
  env = {},
  shell = (run: string): string => run,
) {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-terminal-'))
  afterTest(() => rmSync(directory, { recursive: true, force: true }))
  const control = ['--control', join(directory, 'control.sock')]
  const words = [process.execPath, SOCKET_PORT, 'run', ...options, ...control, '--', ...command]
  const terminal: OnTerminal = typeOnTerminal(shell(words.map((word) => `'${word}'`).join(' ')), {
    env: { ...COLOURFUL, ...env },
  })
  const ask = (...args: string[]) => socketPort([...args, ...control])
  return { terminal, ask, control }
}

// Node shows no colours where CI is set (tty.getColorDepth).
const COLOURFUL = {
  TERM: 'xterm-256color',
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  CI: undefined,
}

const FAILS = ['/bin/sh', '-c', 'exit 3']
const ANY = ['-l', '127.0.0.1:0']
const ESC = '\u001b'

describe(...requireOrSkip('run on a terminal', commandSkipReason('script')), () => {
  it('has colours for its own lines, red for a failure', async () => {
    const { terminal } = runOnTerminal(ANY, FAILS)
    const { stdout } = await terminal.end
    expect(stdout).toContain(`${ESC}[36msocket-port:${ESC}[39m keeps 127.0.0.1:`)
    expect(stdout).toContain(`${ESC}[31msocket-port: generation 1 failed: `)
  })

  it.each([
    ['NO_COLOR', [], { NO_COLOR: '1' }],
    ['--log-format json', ['--log-format', 'json'], {}],
  ])('has none with %s', async (_, options, env) => {
    const { terminal } = runOnTerminal([...ANY, ...options], FAILS, env)
    const { stdout } = await terminal.end
    expect(stdout).toContain('generation 1 failed: ')
    expect(stdout).not.toContain(ESC)
  })

  it('has a last line that counts down what a drain waits for, and is gone at its end', async () => {
    const port = freePort('127.0.0.1')
    const { terminal, ask } = runOnTerminal(['-l', `127.0.0.1:${port}`], [process.execPath, SERVER])
    await terminal.shown(/generation 1 is ready/)
    const upload = await startUpload(port)
    expect(await ask('reload')).toMatchObject({ code: 0 })
    const left = /socket-port: process \d+ of generation 1 still drains: 1 request; (\d+) s left/
    const [, first, second] = await terminal.shown(
      new RegExp(`${left.source}\\r${ESC}\\[K${left.source}`),
    )
    expect(Number(second)).toBeLessThan(Number(first))
    upload.end('last')
    await terminal.shown(new RegExp(`s left\\r${ESC}\\[K(?!socket-port: process)`))
    expect(await ask('stop')).toMatchObject({ code: 0 })
    const { code, stdout } = await terminal.end
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/still drains[^\r]*\r?\n/)
  })

  it('reloads at rs and Enter, and status --watch shows it', async () => {
    const { terminal, ask, control } = runOnTerminal(ANY, [process.execPath, SERVER])
    await terminal.shown(/generation 1 is ready/)
    const watcher = startOnTerminal(['status', '--watch', ...control])
    await watcher.shown(/generation 1/)
    terminal.type('rs\n')
    await terminal.shown(/generation 2 is ready/)
    await watcher.shown(/1 succeeded, 0 failed[\s\S]*generation 2/)
    expect(await ask('stop')).toMatchObject({ code: 0 })
    expect(await terminal.end).toMatchObject({ code: 0 })
    await watcher.shown(/no socket-port run answers/)
    watcher.type('\u0003')
    expect(await watcher.end).toMatchObject({ code: 0 })
  })

  it('reads nothing in the background, where the kernel would stop it', async () => {
    const background = (run: string): string =>
      `sh -c 'set -m; eval "$1 &"; read line; echo "the shell has read $line"; wait' - "${run}"`
    const { terminal, ask } = runOnTerminal(ANY, [process.execPath, SERVER], {}, background)
    await terminal.shown(/generation 1 is ready/)
    terminal.type('rs\n')
    await terminal.shown(/the shell has read rs/)
    expect(await ask('reload')).toMatchObject({ code: 0, stdout: 'generation 2 serves\n' })
    expect(await ask('stop')).toMatchObject({ code: 0 })
    expect((await terminal.end).stdout).toContain('stopped: every process has ended')
  })
})
