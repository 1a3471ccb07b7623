import type { ViteUserConfig } from 'vitest/config'
import { base } from './vitest.base.ts'

const machines: ViteUserConfig = { test: { ...base, include: ['machines/**/*.test.ts'] } }

export default machines
