import type { ViteUserConfig } from 'vitest/config'
import { base } from './vitest.base.ts'

const matrix: ViteUserConfig = {
  test: { ...base, include: ['matrix/**/*.test.ts'], globalSetup: ['matrix/setup.ts'] },
}

export default matrix
