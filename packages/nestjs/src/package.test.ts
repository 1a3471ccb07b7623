import { ExpressAdapter } from '@nestjs/platform-express'
import { endProcesses } from '@socket-port/testkit'
import { BuiltPackage } from '@socket-port/testkit/built-package'
import { afterEach, describe, expect, it } from 'vitest'
import { startChild } from './testing/child.ts'

const built = new BuiltPackage(new URL('..', import.meta.url))
const OLDER = process.env.OLDER !== undefined

afterEach(endProcesses)

describe('the tests', () => {
  it('run on the version of NestJS that they are for, also in their processes', async () => {
    // Only Nest 12 has it.
    expect('beforeClose' in ExpressAdapter.prototype).toBe(!OLDER)
    const child = startChild('signals.mjs', { CLOSE: 'nobody', PLATFORM: 'express' })
    await child.printed(new RegExp(`^Nest ${OLDER ? 11 : 12}$`, 'm'))
  })
})

describe('the built package', () => {
  it('can be required, without a warning', () => {
    const program = `
      const { SocketPortExpressAdapter } = require('@socket-port/nestjs')
      const { SocketPortFastifyAdapter } = require('@socket-port/nestjs/fastify')
      console.log(new SocketPortExpressAdapter().getType(), new SocketPortFastifyAdapter().getType())`
    expect(built.run('commonjs', program)).toEqual({
      status: 0,
      stdout: 'express fastify\n',
      stderr: '',
    })
  })

  it('has types that accept code for Nest’s own adapters', () => {
    const config = OLDER ? 'tsconfig.nest-11.json' : 'tsconfig.json'
    expect(built.compile(config)).toMatchObject({ status: 0, stdout: '' })
  })
})
