import type { ViteUserConfig } from 'vitest/config'
import { shared } from '../../test/vitest.shared.ts'

const include = ['src/**/*.test.ts']
// The compiler that one of the tests runs takes its time.
const testTimeout = 60_000

const config: ViteUserConfig = {
  test: {
    ...shared,
    projects: [
      { test: { name: 'koa 3', env: { MAJOR: '3' }, include, testTimeout } },
      {
        test: {
          name: 'koa 2',
          env: { MAJOR: '2' },
          alias: { koa: 'koa2' },
          include,
          // Of both majors in one.
          exclude: ['src/package.test.ts'],
          testTimeout,
        },
      },
    ],
  },
}

export default config
