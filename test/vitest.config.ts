import { availableParallelism } from 'node:os'
import type { ViteUserConfig } from 'vitest/config'
import { base, SYSTEMD } from './vitest.base.ts'

/** These suites measure what is lost under a full load, stalls, and how long a process takes to end. */
const MEASURING = ['suites/load/**/*.test.ts']

const config: ViteUserConfig = {
  test: {
    ...base,
    projects: [
      { test: { ...base, name: 'alone', include: MEASURING } },
      {
        test: {
          ...base,
          name: 'side by side',
          include: ['suites/**/*.test.ts'],
          exclude: [...(base.exclude ?? []), ...SYSTEMD, ...MEASURING],
          fileParallelism: true,
          // Tests often wait for a process or for a promise to end: meanwhile another file uses the core.
          maxWorkers: Math.ceil(availableParallelism() * 1.5),
        },
      },
    ],
  },
}

export default config
