/** The lines of the docs that install the package; `packed.test.ts` runs them with the packed one. */
export const INSTALL: readonly string[] = ['npm i @socket-port/core', 'pnpm add @socket-port/core']

/** The lines of the docs that `docs.test.ts` runs against a booted systemd, in this order. */
export const SYSTEMCTL: readonly string[] = [
  'systemctl enable --now app.socket',
  'systemctl restart app.service',
]

/** The line that `docs.test.ts` runs with the first program of the README as `server.js`. */
export const ACTIVATE = 'systemd-socket-activate -l 8080 node server.js'
