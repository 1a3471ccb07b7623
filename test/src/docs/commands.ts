import { USES } from './published.ts'

const installed = USES.filter((use) => !use.old).map((use) => use.install)

/** The lines of the docs that install a package; `packed.test.ts` runs them with the packed one. */
export const INSTALL: readonly string[] = [...new Set(installed)].map((names) => `npm i ${names}`)

/** That one runs these too. */
export const INSTALL_WITH_PNPM: readonly string[] = installed.map((names) => `pnpm add ${names}`)

/** The lines of the docs that `docs.test.ts` runs against a booted systemd, in this order. */
export const SYSTEMCTL: readonly string[] = [
  'systemctl enable --now app.socket',
  'systemctl restart app.service',
]

/** The line that `docs.test.ts` runs with the first program of the README as `server.js`. */
export const ACTIVATE = 'systemd-socket-activate -l 8080 node server.js'

/** Lines that `docs-command.test.ts` runs, with the first program of the README as `server.js`. */
export const SUPERVISE: readonly string[] = [
  'npx socket-port run --listen 8080 -- node server.js',
  'npx socket-port reload',
]
