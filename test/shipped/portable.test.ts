import { cpSync } from 'node:fs'
import { execPath } from 'node:process'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../src/docs/documents.ts'
import { PackedPackages } from '../src/docs/packed.ts'
import { run } from '../src/docs/run.ts'

const packed = await PackedPackages.create()
afterAll(() => packed.remove())

test('what macOS and Windows run in their workflow passes here', async () => {
  const project = packed.project('portable')
  const files = packed.packages.map(({ file }) => file)
  const installed = await packed.run(`npm i ${files.join(' ')} express fastify koa`, project)
  expect(installed.status, installed.stderr).toBe(0)
  cpSync(`${ROOT}test/portable`, project, { recursive: true })
  const { status, stdout } = await run(execPath, ['--test', 'portable.test.mjs'], { cwd: project })
  expect(status, stdout).toBe(0)
})
