import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import config from './vitest.config.ts'

const soak: ViteUserConfig = mergeConfig(config, { test: { testTimeout: 3_600_000 } })
if (soak.test) soak.test.include = ['soak/**/*.test.ts']

export default soak
