import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import config, { SYSTEMD } from './vitest.config.ts'

const systemd: ViteUserConfig = mergeConfig(config, {})
if (systemd.test) {
  // Read by the suites that boot one: the host's, and Debian 13's.
  process.env.SOCKET_PORT_RELEASES ??= 'host,trixie'
  systemd.test.include = SYSTEMD
  systemd.test.exclude = []
}

export default systemd
