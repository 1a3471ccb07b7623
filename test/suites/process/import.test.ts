import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const ENTRIES = ['index', 'adapter'] as const

const entry = (name: string): string =>
  new URL(`../../../packages/core/dist/${name}.js`, import.meta.url).href

function run(program: string): { status: number | null; stdout: string; stderr: string } {
  const args = ['--input-type=module', '--eval', program]
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
