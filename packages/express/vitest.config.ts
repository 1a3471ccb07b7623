import type { ViteUserConfig } from 'vitest/config'
import { shared } from '../../test/vitest.shared.ts'

const include = ['src/**/*.test.ts']
// The compiler that one of the tests runs takes its time.
const testTimeout = 60_000

const config: ViteUserConfig = {
  test: {
    ...shared,
    projects: [
      { test: { name: 'express 5', env: { MAJOR: '5' }, include, testTimeout } },
      {
        test: {
          name: 'express 4',
          env: { MAJOR: '4' },
          alias: { express: 'express4' },
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
