import type { ViteUserConfig } from 'vitest/config'
import { shared } from '../../test/vitest.shared.ts'

const config: ViteUserConfig = { test: { ...shared, include: ['src/**/*.test.ts'] } }

export default config
