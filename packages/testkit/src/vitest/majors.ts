import type { ViteUserConfig } from 'vitest/config'
import { shared } from './shared.ts'

/**
 * Runs every test with the newest major version of a framework, and again with an older one, which is installed
 * as `koa2` and the like. The variable MAJOR tells the tests which version it is.
 */
export function majors(framework: string, newest: number, older: number): ViteUserConfig {
  const project = (major: number): NonNullable<ViteUserConfig['test']> => ({
    name: `${framework} ${major}`,
    env: { MAJOR: `${major}` },
    include: ['src/**/*.test.ts'],
    // One of the tests runs the TypeScript compiler, which may take long.
    testTimeout: 60_000,
    setupFiles: shared.setupFiles ?? [],
  })
  const alias = { [framework]: `${framework}${older}` }
  // The built package is the same for both.
  const exclude = ['src/package.test.ts']
  return {
    test: {
      ...shared,
      projects: [{ test: project(newest) }, { test: { ...project(older), alias, exclude } }],
    },
  }
}
