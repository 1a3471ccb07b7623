import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UsageError } from '../base/errors.ts'
import { closedPart, OTHER_USER } from './access.ts'
import { packageOf, programName } from './package.ts'
import { checkNode, checkProgram, stripsTypes } from './program.ts'
import { timeSpan } from './time-span.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'socket-port-program-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function write(path: string, content: object | string = ''): string {
  const file = join(dir, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('the package of a program', () => {
  const named = (entry: string): string => programName(entry, packageOf(entry))

  test.each([
    ['dist/server.js', { name: 'shop' }, 'shop'],
    ['dist/server.js', { name: '@acme/shop' }, 'shop'],
    ['build/src/main.mjs', { name: 'shop' }, 'shop'],
    ['server.js', { name: 'shop~2' }, 'shop-2'],
    ['dist/worker.js', { name: 'shop' }, 'worker'],
    ['bin/www', { name: 'shop' }, 'shop'],
    ['dist/server.js', { type: 'module' }, 'folder'],
    ['dist/server.js', 'no JSON', 'folder'],
  ])('%s, with %j above: %s', (path, manifest, name) => {
    write('folder/package.json', manifest)
    const entry = write(`folder/${path}`)
    expect(named(entry)).toBe(name)
    expect(packageOf(entry)?.folder).toBe(join(dir, 'folder'))
  })

  test('is not the package.json in the output of a build', () => {
    write('folder/package.json', { name: 'shop' })
    write('folder/dist/package.json', { type: 'commonjs' })
    expect(packageOf(write('folder/dist/server.js'))).toEqual({
      folder: join(dir, 'folder'),
      name: 'shop',
    })
  })

  test('is the nearest one', () => {
    write('folder/package.json', { name: 'monorepo' })
    write('folder/apps/shop/package.json', { name: 'shop' })
    expect(named(write('folder/apps/shop/dist/server.js'))).toBe('shop')
  })

  test('may be missing: then the folder gives the name, unless it is one of a build', () => {
    expect(named('/srv/shop/server.js')).toBe('shop')
    expect(named('/srv/shop/dist/server.js')).toBe('shop')
    expect(named('/server.js')).toBe('server')
  })
})

describe('a program that node cannot run', () => {
  const refusal = (entry: string, node = process.execPath): string => {
    try {
      checkProgram(entry, node)
    } catch (error) {
      if (error instanceof UsageError) return error.message
      throw error
    }
    return ''
  }

  test.each([
    ['package.json', { scripts: { start: 'node --enable-source-maps dist/server.js' } }],
    ['package.json', { main: 'dist/server.js' }],
    ['', { main: './dist/server.js' }],
  ])('%j: the message names the file of %j', (path, manifest) => {
    write('package.json', manifest)
    expect(refusal(join(dir, path))).toContain(`here '${join(dir, 'dist/server.js')}'`)
  })

  test.each(['config.json', 'server.tsx', 'server.jsx'])('%s is refused', (path) => {
    expect(refusal(write(path))).toMatch(/name (the file that node runs|the compiled file)/i)
  })

  test('TypeScript, by the version of the node that the unit names', () => {
    const node = (version: string): string => {
      const path = write(`node-${version}`, `#!/bin/sh\necho v${version}\n`)
      chmodSync(path, 0o755)
      return path
    }
    for (const entry of ['server.ts', 'server.mts', 'server.cts'].map((path) => write(path))) {
      const old = node('22.17.1')
      expect(refusal(entry, old)).toMatch(`Node 22.17.1 (${old}) cannot run '${entry}': TypeScript`)
      expect(refusal(entry, node('22.18.0'))).toBe('')
      expect(refusal(entry, join(dir, 'none'))).toBe('')
    }
    expect(refusal(write('server.js'), node('20.19.0'))).toBe('')
  })

  test.each([
    ['20.20.2', false],
    ['22.17.9', false],
    ['22.18.0', true],
    ['23.5.0', false],
    ['23.6.0', true],
    ['24.0.0', true],
    ['26.10.0', true],
  ])('Node %s runs TypeScript: %s', (version, runs) => {
    expect(stripsTypes(version)).toBe(runs)
  })
})

describe('what keeps a user out', () => {
  test('is the first folder that the user cannot enter, also behind symlinks', () => {
    chmodSync(dir, 0o755)
    const file = write('private/app/server.js')
    symlinkSync(join(dir, 'private'), join(dir, 'link'))
    const linked = join(dir, 'link/app/server.js')
    expect([file, linked].map((path) => closedPart(path, OTHER_USER))).toEqual([
      undefined,
      undefined,
    ])
    chmodSync(join(dir, 'private'), 0o700)
    const closed = join(dir, 'private')
    expect([file, linked].map((path) => closedPart(path, OTHER_USER))).toEqual([closed, closed])
    const own = { uid: process.getuid?.() ?? 0, gids: [] }
    expect(closedPart(file, own)).toBeUndefined()
    expect(closedPart(join(dir, 'private/none'), OTHER_USER)).toBe(closed)
    expect(closedPart(join(dir, 'none'), OTHER_USER)).toBeUndefined()
  })

  test('may be the file itself', () => {
    chmodSync(dir, 0o755)
    const file = write('server.js')
    chmodSync(file, 0o640)
    expect(closedPart(file, OTHER_USER)).toBe(file)
  })
})

test.each([
  [30_000, '30s'],
  [90_000, '90s'],
  [1_500, '1500ms'],
  [120_000, '2min'],
  [7_200_000, '2h'],
  [86_400_000, '1d'],
  [1, '1ms'],
])('%d ms is %s to systemd', (milliseconds, text) => {
  expect(timeSpan(milliseconds)).toBe(text)
})

describe('what node cannot run', () => {
  test('a script of another interpreter, such as pnpm writes into node_modules/.bin', () => {
    for (const line of ['#!/bin/sh', '#! /usr/bin/env python3']) {
      const entry = write('node_modules/.bin/next', `${line}\nexec node x`)
      expect(() => checkProgram(entry, process.execPath)).toThrow(
        /is a script of .*, and node runs ENTRY/,
      )
    }
    for (const line of ['#!/usr/bin/env node', '#!/usr/bin/env -S node --no-warnings', '']) {
      checkProgram(write('cli.js', `${line}\n`), process.execPath)
    }
  })

  test('with a node that is too old', () => {
    const node = write('node', '#!/bin/sh\necho v18.20.8\n')
    chmodSync(node, 0o755)
    expect(() => checkNode(node)).toThrow(
      /needs Node\.js 20\.19 or later, and this is Node\.js 18\.20\.8/,
    )
    checkNode('/nowhere/node')
  })
})
