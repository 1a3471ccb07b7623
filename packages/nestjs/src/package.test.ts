import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ExpressAdapter } from '@nestjs/platform-express'
import { afterEach, describe, expect, it } from 'vitest'
import { Child } from './testing/child.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OLDER = process.env.OLDER !== undefined

let child: Child | undefined
afterEach(() => child?.dispose())

describe('the tests', () => {
  it('run on the NestJS that they are for, and so do their processes', async () => {
    // Only Nest 12 has it.
    expect('beforeClose' in ExpressAdapter.prototype).toBe(!OLDER)
    child = new Child('signals.mjs', { CLOSE: 'nobody', PLATFORM: 'express' })
    await child.said(new RegExp(`^Nest ${OLDER ? 11 : 12}$`, 'm'))
  })
})

describe('the built package', () => {
  it('can be required, without a warning', () => {
    const program = `
      const { SocketPortExpressAdapter } = require('@socket-port/nestjs')
      const { SocketPortFastifyAdapter } = require('@socket-port/nestjs/fastify')
      console.log(new SocketPortExpressAdapter().getType(), new SocketPortFastifyAdapter().getType())`
    const { status, stdout, stderr } = run('--input-type=commonjs', '--eval', program)
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: 'express fastify\n',
      stderr: '',
    })
  })

  it('has types that compile what is written for Nest’s own adapters', () => {
    const tsc = createRequire(import.meta.url).resolve('typescript/package.json')
    const config = OLDER ? 'types/tsconfig.nest-11.json' : 'types/tsconfig.json'
    const { status, stdout } = run(tsc.replace('package.json', 'bin/tsc'), '-p', config)
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })
})

const run = (...args: string[]): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
