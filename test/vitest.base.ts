import { shared } from '@socket-port/testkit/vitest/shared'
import { configDefaults, type TestUserConfig } from 'vitest/config'

/** These suites take minutes and boot a real systemd: `pnpm run systemd` runs them. */
export const SYSTEMD: string[] = ['suites/systemd/**/*.test.ts', 'suites/handover/**/*.test.ts']

/** What all suites have in common. One file runs at a time: a stall that another suite caused would be a lie. */
export const base: TestUserConfig = {
  ...shared,
  exclude: configDefaults.exclude,
  // So no `socket-port run` leaves compiled code in the cache folder of this user.
  env: { NODE_DISABLE_COMPILE_CACHE: '1' },
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 120_000,
}
