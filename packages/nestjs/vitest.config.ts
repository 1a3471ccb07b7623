import { nest11 } from '@socket-port/nest-11'
import { shared } from '@socket-port/testkit/vitest/shared'
import type { ViteUserConfig } from 'vitest/config'

const { setupFiles = [] } = shared
// One of the tests runs the TypeScript compiler, which may take long.
const test = { include: ['src/**/*.test.ts'], testTimeout: 60_000, setupFiles }
const alias = Object.entries(nest11).map(([name, replacement]) => ({
  find: new RegExp(`^${name}$`),
  replacement,
}))

/** Every test runs on the newest and on the oldest supported NestJS. */
const config: ViteUserConfig = {
  test: {
    ...shared,
    projects: [
      { test: { ...test, name: 'nest 12' } },
      {
        test: { ...test, name: 'nest 11', env: { OLDER: JSON.stringify(nest11) } },
        resolve: { alias },
      },
    ],
  },
}

export default config
