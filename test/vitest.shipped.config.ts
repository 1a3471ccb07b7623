import type { ViteUserConfig } from 'vitest/config'
import { base } from './vitest.base.ts'

const shipped: ViteUserConfig = {
  // Hooks install dozens of projects from npm, and remove them.
  test: { ...base, include: ['shipped/**/*.test.ts'], hookTimeout: 600_000 },
}

export default shipped
