import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { afterTest, supervise } from './supervising.ts'

/** Prints the folder that a process of `run` is told, and the warnings of `run`. */
async function started(args: readonly string[], env: Record<string, string>) {
  const supervised = supervise({
    args: ['--listen', '127.0.0.1:0', '--ready', 'log:^cache', ...args],
    command: ['sh', '-c', 'echo "cache: $NODE_COMPILE_CACHE"; exec sleep 60'],
    env,
  })
  const [, folder] = await supervised.printed(/^cache: (.*)$/m)
  const warnings = supervised.generation.output.match(/^socket-port: warning: .*$/gm) ?? []
  return { folder, warnings }
}

function newFolder(mode = 0o700): string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-compiled-'))
  afterTest(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, mode)
  return folder
}

it('Node keeps compiled code in the folder of this user for caches', async () => {
  const XDG_CACHE_HOME = newFolder()
  expect(await started([], { XDG_CACHE_HOME })).toEqual({
    folder: join(XDG_CACHE_HOME, 'socket-port/compile-cache'),
    warnings: [],
  })
})

it.each([
  ['--no-compile-cache', ['--no-compile-cache'], {}, ''],
  ['NODE_COMPILE_CACHE', [], { NODE_COMPILE_CACHE: '/elsewhere' }, '/elsewhere'],
])('not with %s', async (_, args, env, folder) => {
  expect(await started(args, env)).toEqual({ folder, warnings: [] })
})

it('Node keeps none where other users can write, and run says so once', async () => {
  const folder = newFolder(0o777)
  mkdirSync(join(folder, 'socket-port'))
  const { folder: told, warnings } = await started([], {
    XDG_CACHE_HOME: folder,
    XDG_RUNTIME_DIR: folder,
  })
  expect(told).toBe('')
  expect(warnings.filter((warning) => warning.includes('compile'))).toEqual([
    expect.stringMatching(/'\/\S+' can be changed by other users, .*Pass --no-compile-cache/),
  ])
})
