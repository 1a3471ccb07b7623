import type { ViteUserConfig } from 'vitest/config'
import { base } from './vitest.base.ts'

const frameworks: ViteUserConfig = {
  test: { ...base, include: ['frameworks/**/*.test.ts'], globalSetup: ['frameworks/install.ts'] },
}

export default frameworks
