import { BuiltPackage } from '@socket-port/testkit/built-package'
import { describe, expect, it } from 'vitest'

const built = new BuiltPackage(new URL('..', import.meta.url))

describe('the built package', () => {
  it('gives require what it gives import, without a warning', () => {
    const program = `
      const { handOverSocketIo } = require('@socket-port/socket.io')
      const { Server } = require('socket.io')
      handOverSocketIo(new Server())
      console.log('called')`
    expect(built.run('commonjs', program)).toEqual({ status: 0, stdout: 'called\n', stderr: '' })
  })

  it('has types that compile with the types of socket.io', () =>
    expect(built.compile('tsconfig.json')).toMatchObject({ status: 0, stdout: '' }))
})
