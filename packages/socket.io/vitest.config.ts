import { shared } from '@socket-port/testkit/vitest/shared'
import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  // Some tests start processes, or the compiler.
  test: { ...shared, include: ['src/**/*.test.ts'], testTimeout: 30_000 },
}

export default config
