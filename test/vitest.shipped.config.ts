import type { ViteUserConfig } from 'vitest/config'
import { base } from './vitest.base.ts'

const shipped: ViteUserConfig = {
  test: {
    ...base,
    include: ['shipped/**/*.test.ts'],
    // Of a busy machine Chromium takes what it gets: the longer a page types, the more it has to show.
    testTimeout: 300_000,
    // Hooks install dozens of projects from npm, and remove them.
    hookTimeout: 600_000,
  },
}

export default shipped
