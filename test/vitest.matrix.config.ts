import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import config from './vitest.config.ts'

const matrix: ViteUserConfig = mergeConfig(config, {
  test: { globalSetup: ['matrix/setup.ts'] },
})
if (matrix.test) matrix.test.include = ['matrix/**/*.test.ts']

export default matrix
