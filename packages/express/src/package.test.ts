import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('the built package', () => {
  it('gives require the function, without a warning', () => {
    const program = `
      const express = require('@socket-port/express')
      const { json, Router } = require('@socket-port/express')
      const app = express({ signals: false }).use(json(), Router())
      const server = app.listen(0, () => server.close(() => console.log('closed')))`
    const { status, stdout, stderr } = run(['--input-type=commonjs', '--eval', program])
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'closed\n', stderr: '' })
  })

  it.each(['tsconfig.json', 'tsconfig.express4.json'])(
    'has types that compile what is written for Express: %s',
    (config) => {
      const tsc = createRequire(import.meta.url).resolve('typescript/package.json')
      const { status, stdout } = run([
        tsc.replace('package.json', 'bin/tsc'),
        '-p',
        `types/${config}`,
      ])
      expect(stdout).toBe('')
      expect(status).toBe(0)
    },
  )
})

describe.each(['express', 'express4'])('of the types of %s', (name) => {
  const [, namespace = ''] = read(`../node_modules/@types/${name}/index.d.ts`).split(
    'declare namespace',
  )
  const theirs = namesIn(namespace, /^ {4}(?:export )?(?:interface|var|function) (\w+)/gm)
  const source = read('index.ts')

  it.each([
    ['the namespace', /declare namespace express \{\n {2}export \{([^}]*)\}/],
    ['the module', /^export \{([^}]*)\}/m],
  ])('%s has every name', (_, list) => {
    const ours = namesIn(list.exec(source)?.[1] ?? '', /(\w+),$/gm)
    expect(theirs.length).toBeGreaterThan(20)
    expect(ours).toEqual(expect.arrayContaining(theirs))
  })
})

const namesIn = (text: string, name: RegExp): (string | undefined)[] =>
  [...text.matchAll(name)].map(([, found]) => found)

const run = (args: string[]): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
