import type { ViteUserConfig } from 'vitest/config'
import { base, SYSTEMD } from './vitest.base.ts'

/** These suites measure stalls and how long a process takes to end. */
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
        },
      },
    ],
  },
}

export default config
