import type { ViteUserConfig } from 'vitest/config'
import { base, SYSTEMD } from './vitest.base.ts'

// Read by the suites that boot one: the host's, and Debian 13's.
process.env.SOCKET_PORT_RELEASES ??= 'host,trixie'

const systemd: ViteUserConfig = { test: { ...base, include: SYSTEMD } }

export default systemd
