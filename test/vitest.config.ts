import { configDefaults, type ViteUserConfig } from 'vitest/config'
import { shared } from './vitest.shared.ts'

/** Suites of minutes, with a real systemd and real proxies: `pnpm run systemd`. */
export const SYSTEMD: string[] = [
  ...['suites/systemd-*.test.ts', 'suites/handover-*.test.ts', 'suites/proxies.test.ts'],
  ...['suites/cli-run-systemd.test.ts', 'suites/cli-units.test.ts', 'suites/cli-examples.test.ts'],
  'suites/frameworks/systemd.test.ts',
]

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
