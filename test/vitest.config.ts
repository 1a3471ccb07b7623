import type { ViteUserConfig } from 'vitest/config'
import { shared } from './vitest.shared.ts'

const config: ViteUserConfig = {
  test: {
    ...shared,
    include: ['suites/**/*.test.ts'],
    // Each suite has the machine for itself: a stall that another suite caused would be a lie.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}

export default config
