import { shared } from '@socket-port/testkit/vitest/shared'
import { configDefaults, type ViteUserConfig } from 'vitest/config'

/** These suites take minutes and boot a real systemd: `pnpm run systemd` runs them. */
export const SYSTEMD: string[] = ['suites/systemd/**/*.test.ts', 'suites/handover/**/*.test.ts']

const config: ViteUserConfig = {
  test: {
    ...shared,
    include: ['suites/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...SYSTEMD],
    // Each suite has the machine for itself: a stall that another suite caused would be a lie.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}

export default config
