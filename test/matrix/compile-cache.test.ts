import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endProcesses } from '@socket-port/testkit/processes'
import { startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAJORS, nodeBinary } from '../src/nodes.ts'

const SERVER = fileURLToPath(new URL('../fixtures/cli-server.mjs', import.meta.url))

let XDG_CACHE_HOME: string
beforeEach(() => {
  XDG_CACHE_HOME = mkdtempSync(join(tmpdir(), 'socket-port-compiled-'))
})
afterEach(async () => {
  await endProcesses()
  rmSync(XDG_CACHE_HOME, { recursive: true })
})

/** Runs the server on a Node, reloads it once, and returns the folders of compiled code that are left. */
async function compiledBy(node: string, options: readonly string[] = []): Promise<string[]> {
  const supervised = startSupervised({
    args: ['--listen', '127.0.0.1:0', ...options],
    command: [node, SERVER],
    env: { XDG_CACHE_HOME },
  })
  await supervised.printed(/generation 1 is ready/)
  expect((await supervised.ask('reload')).code).toBe(0)
  supervised.generation.signal('SIGTERM')
  expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
  expect(supervised.generation.output).not.toMatch(/warning|error/i)
  const folders = readdirSync(XDG_CACHE_HOME, { recursive: true, withFileTypes: true })
  const files = folders.filter((entry) => entry.isFile())
  return [...new Set(files.map(({ parentPath }) => parentPath))]
}

describe('the compile cache of socket-port run', () => {
  it.each(MAJORS)('has the code that Node %d has compiled, for this user alone', async (major) => {
    const folder = join(XDG_CACHE_HOME, 'socket-port/compile-cache')
    const [compiled, ...others] = await compiledBy(nodeBinary(major))
    expect(others).toEqual([])
    expect(compiled).toContain(`${folder}/v${major}.`)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it.each(MAJORS)('is not there on Node %d with --no-compile-cache', async (major) => {
    expect(await compiledBy(nodeBinary(major), ['--no-compile-cache'])).toEqual([])
  })
})
