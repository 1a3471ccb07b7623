import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../src/docs/documents.ts'
import { programsOf } from '../src/docs/programs.ts'
import { Project } from '../src/docs/project.ts'
import { run } from '../src/docs/run.ts'

// pages.test.ts runs them by node:test.
const programs = programsOf('docs/testing.md').filter(({ code }) => code.includes("'node:test'"))
const project = new Project()
afterAll(() => project.remove())

/** The same test for vitest, as the page says: with `beforeAll` and `afterAll`. */
const forVitest = (code: string): string =>
  code
    .replace(/import \{(.*)\} from 'node:test'/, "import {$1} from 'vitest'")
    .replace(/\b(after|before)\b(?=[,(} ])/g, '$1All')

test('the tests of docs/testing.md pass in vitest too', async () => {
  expect(programs).toHaveLength(5)
  symlinkSync(join(ROOT, 'test/node_modules/vitest'), join(project.dir, 'node_modules/vitest'))
  for (const { name, code } of programs) project.write(`${name}.test.js`, forVitest(code))
  const vitest = join(ROOT, 'test/node_modules/.bin/vitest')
  const { status, stdout, stderr } = await run(vitest, ['run', '--root', project.dir], {
    env: { NO_COLOR: '1' },
  })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests +5 passed/)
})
