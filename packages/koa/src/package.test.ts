import { readFileSync } from 'node:fs'
import { BuiltPackage } from '@socket-port/testkit/built-package'
import { everyName } from '@socket-port/testkit/drop-in/names'
import { describe, expect, it } from 'vitest'

const built = new BuiltPackage(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('the built package', () => {
  it('gives require the class, without a warning', () => {
    const program = `
      const Koa = require('@socket-port/koa')
      const { HttpError } = require('@socket-port/koa')
      if (Koa.default !== Koa || Koa.HttpError !== HttpError) throw new Error('not Koa')
      const app = new Koa({ socketPort: { signals: false } }).use(() => {})
      const server = app.listen(0, () => server.close(() => console.log('closed')))`
    expect(built.run('commonjs', program)).toEqual({ status: 0, stdout: 'closed\n', stderr: '' })
  })

  it.each(['tsconfig.json', 'tsconfig.koa2.json'])(
    'has types that compile what is written for Koa: %s',
    (config) => expect(built.compile(config)).toMatchObject({ status: 0, stdout: '' }),
  )
})

everyName({
  types: {
    koa: read('../node_modules/@types/koa/index.d.ts'),
    koa2: read('../node_modules/@types/koa2/index.d.ts'),
  },
  declared: /^ {4}(?:export )?(?:interface|type|const) (\w+)/gm,
  atLeast: 15,
  source: read('index.ts'),
  namespace: 'Application',
})
