import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const ENTRIES = ['index', 'adapter'] as const

const entry = (name: string): string =>
  new URL(`../../../packages/core/dist/${name}.js`, import.meta.url).href

function run(
  program: string,
  type = 'module',
): { status: number | null; stdout: string; stderr: string } {
  const args = [`--input-type=${type}`, '--eval', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe.each(ENTRIES)('importing %s of core', (name) => {
  it('loads no part of Node that node:http has not loaded: new connections wait for a start', () => {
    const program = (imported: string): string => `
      import 'node:http'
      import '${entry('runtime')}'
      const before = new Set(process.moduleLoadList)
      await import('${imported}')
      const added = process.moduleLoadList.filter((name) => !before.has(name))
      console.log(JSON.stringify(added))`
    expect(run(program(entry(name)))).toEqual({ status: 0, stdout: '[]\n', stderr: '' })
    // Otherwise the list would prove nothing: Node makes a copy of what fs exports, its streams included.
    const copied = run(program('data:text/javascript,import "node:fs"'))
    expect(copied.stdout).toContain('internal/fs/streams')
  })

  it('is refused by an old version of Node, which has no process.getBuiltinModule', () => {
    const { status, stderr } = run(`
      Object.defineProperty(process, 'versions', { value: { node: '18.20.0' } })
      delete process.getBuiltinModule
      await import('${entry(name)}')`)
    expect(status).toBe(1)
    expect(stderr).toContain(
      'SocketPortError [ERR_SOCKET_PORT_UNSUPPORTED]: socket-port needs Node.js 20.19 or later, and this is Node.js 18.20.0',
    )
  })
})

it('the native code is found by a program on the command line, for which Node sets a global __filename', () => {
  const program = `import('${entry('supervisor')}').then(({ openPipe }) => openPipe())`
  expect(run(program, 'commonjs')).toEqual({ status: 0, stdout: '', stderr: '' })
})

describe('a cold start', () => {
  // What a call of core adds to the parts of Node that the same server has loaded without it.
  const loaded = (listen: string): string[] => {
    const { status, stdout, stderr } = run(`
      const { createServer } = await import('node:http')
      const { once } = await import('node:events')
      const core = await import('${entry('index')}')
      const server = createServer()
      ${listen}
      console.log(JSON.stringify(process.moduleLoadList))
      process.exit()`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return JSON.parse(stdout) as string[]
  }
  const plain = new Set(loaded(`await once(server.listen(0), 'listening')`))

  it.each([
    ['listen', `await core.listen(server, 0)`, []],
    ['serve', `await core.serve(server, 0)`, ['Internal Binding signal_wrap']],
    [
      'attach',
      `core.attach(server); await once(server.listen(0), 'listening')`,
      ['Internal Binding signal_wrap'],
    ],
  ])('of %s loads no part of Node that a plain one does not need', (_, listen, own) => {
    expect(loaded(listen).filter((part) => !plain.has(part))).toEqual(own)
  })
})
