import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { collectChanges } from './collect.ts'
import { ignoring } from './ignore.ts'
import { watching } from './watch.ts'

describe('what is ignored', () => {
  const ignored = ignoring(['/app', '/node_modules/own'], ['dist', './build/*.js', '*.tmp', 'tmp/'])

  test.each([
    '/app/node_modules',
    '/app/a/node_modules/b/c.js',
    '/app/.git/index',
    '/app/a.js~',
    '/app/.a.js.swp',
    '/app/dist',
    '/app/packages/a/dist/a.js',
    '/app/build/a.js',
    '/app/logs/a.log',
    '/app/.a.tmp',
    '/app/tmp/x',
  ])('%s', (path) => {
    expect(ignored(path)).toBe(true)
  })

  test.each([
    '/app',
    '/app/a.js',
    '/app/.env',
    '/app/.github/x',
    '/app/distance/a.js',
    '/app/build/deep/a.js',
    '/app/gitlog',
    '/node_modules/own',
    '/node_modules/own/a.js',
    '/elsewhere/node_modules',
  ])('but not %s', (path) => {
    expect(ignored(path)).toBe(false)
  })
})

describe('changes that are collected', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('are delivered when nothing has changed for a while, each path once', () => {
    const deliver = vi.fn()
    const changes = collectChanges(deliver, { quiet: 100, patience: 1_000 })
    changes.add('a')
    vi.advanceTimersByTime(99)
    changes.add('b')
    changes.add('a')
    vi.advanceTimersByTime(99)
    expect(deliver).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    changes.add('c')
    vi.advanceTimersByTime(100)
    expect(deliver.mock.calls).toEqual([[['a', 'b']], [['c']]])
  })

  test('are delivered after a while though more changes come all the time', () => {
    const deliver = vi.fn()
    const changes = collectChanges(deliver, { quiet: 100, patience: 1_000 })
    for (let i = 0; i < 20; i++) {
      changes.add('a')
      vi.advanceTimersByTime(60)
    }
    expect(deliver).toHaveBeenCalledTimes(1)
  })

  test('are forgotten at the close', () => {
    const deliver = vi.fn()
    const changes = collectChanges(deliver, { quiet: 100, patience: 1_000 })
    changes.add('a')
    changes.close()
    vi.advanceTimersByTime(10_000)
    expect(deliver).not.toHaveBeenCalled()
  })
})

describe('a watched folder', () => {
  let dir: string
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'socket-port-watch-')))
    mkdirSync(join(dir, 'src/deep'), { recursive: true })
    mkdirSync(join(dir, 'node_modules/a'), { recursive: true })
    writeFileSync(join(dir, 'src/deep/a.js'), '1')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  /** Watches, and returns what waits for the next reason. */
  async function open(paths: string[], ignore: string[] = []): Promise<() => Promise<string>> {
    const reasons: string[] = []
    let wake = (): void => {}
    const warn = vi.fn()
    const watch = watching({ paths, ignore, quiet: 20 })
    const changed = (reason: string): void => {
      reasons.push(reason)
      wake()
    }
    const { close } = await watch(changed, warn)
    onTestFinished(async () => {
      await close()
      expect(warn).not.toHaveBeenCalled()
    })
    return async () => {
      if (reasons.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return reasons.shift() ?? ''
    }
  }

  test('reports changed, added and removed files, also in folders that are created later', async () => {
    const next = await open([dir])
    writeFileSync(join(dir, 'src/deep/a.js'), '2')
    expect(await next()).toMatch(/src\/deep\/a\.js changed$/)
    rmSync(join(dir, 'src/deep/a.js'))
    expect(await next()).toMatch(/src\/deep\/a\.js changed$/)
    mkdirSync(join(dir, 'new'))
    expect(await next()).toMatch(/new changed$/)
    writeFileSync(join(dir, 'new/b.js'), '1')
    expect(await next()).toMatch(/new\/b\.js changed$/)
  })

  test('reports no ignored file', async () => {
    const next = await open([dir], ['*.tmp'])
    writeFileSync(join(dir, 'node_modules/a/index.js'), '1')
    writeFileSync(join(dir, 'a.log'), '1')
    writeFileSync(join(dir, 'a.tmp'), '1')
    writeFileSync(join(dir, 'src/b.js'), '1')
    expect(await next()).toMatch(/src\/b\.js changed$/)
  })

  test('may be a file', async () => {
    const file = join(dir, 'src/deep/a.js')
    const next = await open([file])
    writeFileSync(file, '2')
    expect(await next()).toMatch(/a\.js changed$/)
  })
})
