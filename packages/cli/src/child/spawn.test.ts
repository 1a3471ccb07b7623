import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { untilGone } from '@socket-port/testkit/until-gone'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { OwnOutputs } from '../output/own-outputs.ts'
import type { Child } from '../supervisor/child.ts'
import { type SpawnOptions, spawnChild } from './spawn.ts'

afterEach(() => vi.restoreAllMocks())

const silent = { write: () => undefined }

function spawnIt(options: Partial<SpawnOptions>): Child {
  return spawnChild({
    file: '/bin/sleep',
    args: ['1000'],
    env: {},
    cwd: '/',
    fds: [],
    inodes: new Set(),
    outputs: { stdout: silent, stderr: silent } as unknown as OwnOutputs,
    formatLine: undefined,
    printed() {},
    notified() {},
    exited() {},
    serverEnded() {},
    abandoned() {},
    unsignalled() {},
    ...options,
  })
}

describe(...requireOrSkip('spawnChild', linuxSkipReason()), () => {
  it('names the folder that is gone, not the program, which is there', async () => {
    const { error } = await spawnIt({ cwd: '/nowhere' }).exited
    expect(error).toMatch(/^the folder '\/nowhere', in which it starts, does not exist/)
    expect((await spawnIt({ file: '/nowhere' }).exited).error).toBe('spawn /nowhere ENOENT')
  })

  it('names a folder that cannot be entered', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
    const loop = join(directory, 'loop')
    symlinkSync('loop', loop)
    const { error } = await spawnIt({ cwd: loop }).exited
    rmSync(directory, { recursive: true })
    expect(error).toContain(`the folder '${loop}', in which it starts, does not exist`)
  })

  it('gives up a process that may not be signalled, and reports it once', async () => {
    const problems: string[] = []
    const child = spawnIt({ unsignalled: (problem) => problems.push(problem) })
    const { pid } = child
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
    })
    child.signal('SIGUSR2')
    child.signal('SIGTERM')
    expect(problems).toEqual([expect.stringContaining(`process ${pid} cannot get SIGUSR2 (EPERM)`)])
    expect(child.kill()).toBe(false)
    expect(await child.exited).toEqual({
      code: null,
      signal: null,
      error: `process ${pid} goes on`,
    })
    expect(problems).toHaveLength(1)
    kill.mockRestore()
    process.kill(pid, 'SIGKILL')
    await untilGone(pid)
  })
})
