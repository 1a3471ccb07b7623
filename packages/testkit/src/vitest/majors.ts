import type { ViteUserConfig } from 'vitest/config'
import { shared } from './shared.ts'

/**
 * Runs every test with the newest major of a framework, and again with an older one, which is installed
 * under its name with the number: `koa2`. MAJOR tells the tests which it is.
 */
export function majors(framework: string, newest: number, older: number): ViteUserConfig {
  const project = (major: number): NonNullable<ViteUserConfig['test']> => ({
    name: `${framework} ${major}`,
    env: { MAJOR: `${major}` },
    include: ['src/**/*.test.ts'],
    // The compiler that one of the tests runs takes its time.
    testTimeout: 60_000,
  })
  const alias = { [framework]: `${framework}${older}` }
  // What was built is of both majors in one.
  const exclude = ['src/package.test.ts']
  return {
    test: {
      ...shared,
      projects: [{ test: project(newest) }, { test: { ...project(older), alias, exclude } }],
    },
  }
}
