import type { ViteUserConfig } from 'vitest/config'
import { base } from './vitest.base.ts'

const soak: ViteUserConfig = {
  test: { ...base, include: ['soak/**/*.test.ts'], testTimeout: 3_600_000 },
}

export default soak
