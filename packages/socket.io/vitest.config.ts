import { shared } from '@socket-port/testkit/vitest/shared'
import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  // Some tests start processes, or the TypeScript compiler, which may take long.
  test: { ...shared, include: ['src/**/*.test.ts'], testTimeout: 60_000 },
}

export default config
