import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import config from './vitest.config.ts'

const shipped: ViteUserConfig = mergeConfig(config, {})
if (shipped.test) shipped.test.include = ['shipped/**/*.test.ts']

export default shipped
