import { nest11 } from '@socket-port/nest-11'
import type { ViteUserConfig } from 'vitest/config'
import { shared } from '../../test/vitest.shared.ts'

const test = { include: ['src/**/*.test.ts'], testTimeout: 30_000 }
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
