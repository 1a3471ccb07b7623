import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as names from './index.ts'

const run = (args: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
  })

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
  ])('works as %s without a warning: %s', (type, load) => {
    const fastify = type === 'module' ? "import Fastify from 'fastify'" : ''
    const program = `
      ${fastify}
      ${load}
      const app = ${fastify ? 'Fastify' : "require('fastify')"}()
      app.register(socketPort)
      app.listen({ port: 0 }).then(() => app.close()).then(() => console.log(app.hasPlugin(
        '@socket-port/fastify')))`
    const { status, stdout, stderr } = run([`--input-type=${type}`, '--eval', program])
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'true\n', stderr: '' })
  })

  it.each(['tsconfig.json', 'tsconfig.oldest.json'])(
    'has types that compile what is written for Fastify: %s',
    (config) => {
      const tsc = createRequire(import.meta.url).resolve('typescript/package.json')
      const args = [tsc.replace('package.json', 'bin/tsc'), '-p', `types/${config}`]
      const { status, stdout } = run(args)
      expect(stdout).toBe('')
      expect(status).toBe(0)
    },
  )
})
