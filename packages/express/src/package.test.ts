import { readFileSync } from 'node:fs'
import { BuiltPackage } from '@socket-port/testkit/built-package'
import { everyName } from '@socket-port/testkit/drop-in/names'
import { describe, expect, it } from 'vitest'

const built = new BuiltPackage(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('the built package', () => {
  it('gives require the function, without a warning', () => {
    const program = `
      const express = require('@socket-port/express')
      const { json, Router } = require('@socket-port/express')
      const app = express({ signals: false }).use(json(), Router())
      const server = app.listen(0, () => server.close(() => console.log('closed')))`
    expect(built.run('commonjs', program)).toEqual({ status: 0, stdout: 'closed\n', stderr: '' })
  })

  it.each(['tsconfig.json', 'tsconfig.express4.json'])(
    'has types that compile what is written for Express: %s',
    (config) => expect(built.compile(config)).toMatchObject({ status: 0, stdout: '' }),
  )
})

everyName({
  types: {
    express: read('../node_modules/@types/express/index.d.ts'),
    express4: read('../node_modules/@types/express4/index.d.ts'),
  },
  declared: /^ {4}(?:export )?(?:interface|var|function) (\w+)/gm,
  atLeast: 20,
  source: read('index.ts'),
  namespace: 'express',
})
