import type { ViteUserConfig } from 'vitest/config'
import { shared } from '../../test/vitest.shared.ts'

const config: ViteUserConfig = {
  test: { ...shared, include: ['src/**/*.test.ts'], testTimeout: 30_000 },
}

export default config
