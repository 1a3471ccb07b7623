import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import config from './vitest.config.ts'

const matrix: ViteUserConfig = mergeConfig(config, {
  test: { globalSetup: ['matrix/setup.ts'] },
})
if (matrix.test) {
  // The suites of systemd once more, with another one than the host's.
  process.env.SOCKET_PORT_RELEASES ??= 'trixie'
  matrix.test.include = [
    'matrix/**/*.test.ts',
    'suites/systemd-*.test.ts',
    'suites/cli-run-systemd.test.ts',
    'suites/cli-units.test.ts',
  ]
}

export default matrix
