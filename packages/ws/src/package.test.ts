import { BuiltPackage } from '@socket-port/testkit/built-package'
import { describe, expect, it } from 'vitest'

const built = new BuiltPackage(new URL('..', import.meta.url))

describe('the built package', () => {
  it('may be required', () => {
    const program = `
      const { attachmentOf, handOverWebSockets } = require('@socket-port/ws')
      handOverWebSockets(require('node:http').createServer())
      console.log(typeof attachmentOf, typeof require('@socket-port/ws/protocol').continueWebSockets)`
    const said = { status: 0, stdout: 'function function\n', stderr: '' }
    expect(built.run('commonjs', program)).toEqual(said)
  })

  it('has types that compile', () => {
    expect(built.compile('tsconfig.json')).toEqual({ status: 0, stdout: '', stderr: '' })
  })
})
