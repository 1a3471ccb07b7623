import type { ViteUserConfig } from 'vitest/config'
import { base } from './vitest.base.ts'

const shipped: ViteUserConfig = { test: { ...base, include: ['shipped/**/*.test.ts'] } }

export default shipped
