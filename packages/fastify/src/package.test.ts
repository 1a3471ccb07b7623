import { BuiltPackage } from '@socket-port/testkit/built-package'
import { describe, expect, it } from 'vitest'
import * as names from './index.ts'

const built = new BuiltPackage(new URL('..', import.meta.url))

describe('the module', () => {
  it('is the plugin in every form', () => {
    const { default: socketPort, ...others } = names
    expect(others).toEqual({ socketPort, 'module.exports': socketPort })
    expect(socketPort.default).toBe(socketPort)
    expect(socketPort.socketPort).toBe(socketPort)
  })
})

describe('the built package', () => {
  it.each([
    ['commonjs', "const socketPort = require('@socket-port/fastify')"],
    ['commonjs', "const { socketPort } = require('@socket-port/fastify')"],
    ['commonjs', "const { default: socketPort } = require('@socket-port/fastify')"],
    ['module', "import socketPort from '@socket-port/fastify'"],
    ['module', "import { socketPort } from '@socket-port/fastify'"],
    ['module', "const socketPort = import('@socket-port/fastify')"],
  ] as const)('works as %s without a warning: %s', (type, load) => {
    const fastify = type === 'module' ? "import Fastify from 'fastify'" : ''
    const program = `
      ${fastify}
      ${load}
      const app = ${fastify ? 'Fastify' : "require('fastify')"}()
      app.register(socketPort)
      app.listen({ port: 0 }).then(() => app.close()).then(() => console.log(app.hasPlugin(
        '@socket-port/fastify')))`
    expect(built.run(type, program)).toEqual({ status: 0, stdout: 'true\n', stderr: '' })
  })

  it.each(['tsconfig.json', 'tsconfig.oldest.json'])(
    'has types that compile what is written for Fastify: %s',
    (config) => expect(built.compile(config)).toMatchObject({ status: 0, stdout: '' }),
  )
})
