import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SOCKET_PORT } from '@socket-port/testkit/command'
import { describe, expect, it } from 'vitest'
import { REFUSED, refusedBinary } from '../src/nodes.ts'

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

describe.each(REFUSED)('on %s', (name) => {
  const sentence = `socket-port needs Node.js 20.19 or later, and this is ${name}`

  /** Runs a program of a folder to its end. */
  function run(file: string, args: readonly string[] = [], cwd = fromRoot('test')) {
    const flags = name === 'Deno' ? ['run', '--allow-all', '--no-lock'] : []
    const env = { ...process.env, NO_COLOR: '1' }
    // What is not refused may serve for ever.
    const options = { cwd, encoding: 'utf8', env, timeout: 30_000, killSignal: 'SIGKILL' } as const
    return spawnSync(refusedBinary(name), [...flags, file, ...args], options)
  }

  it.each([
    [['--version']],
    [['run', '--listen', '0', '--', 'node', 'server.js']],
    [['doctor']],
    [[]],
  ])('the command says so in one line: %j', (args) => {
    const { status, stdout, stderr } = run(SOCKET_PORT, args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^socket-port: error: [^\n]+\n$/)
    expect(stderr).toContain(sentence)
  })

  it('core says so, and opens no socket', () => {
    const { status, stdout, stderr } = run(fromRoot('test/fixtures/bundled-server.mjs'))
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr.replaceAll('\n', ' ')).toContain(sentence)
    expect(stderr).not.toMatch(/SyntaxError|TypeError/)
  })

  it.each(['express', 'fastify', 'koa', 'nestjs'])('so does the adapter for %s', (adapter) => {
    const { status, stderr } = run(fromRoot(`packages/${adapter}/dist/index.js`))
    expect(status).toBe(1)
    expect(stderr).toContain(sentence)
    expect(stderr).not.toMatch(/SyntaxError|TypeError/)
  })
})

it('on Node.js 18 a program with the preload says so, and listens by itself', () => {
  const preload = fromRoot('packages/core/dist/register.cjs')
  const program = "require('http').createServer().listen(0, function () { this.close() })"
  const args = ['--require', preload, '-e', program]
  const { status, stderr } = spawnSync(refusedBinary('Node.js 18'), args, { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringMatching(
      /^socket-port: warning: the server listens without socket-port: its preload needs Node\.js 20\.19.*this is v18[^\n]*\n$/,
    ),
  })
})
