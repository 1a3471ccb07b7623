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

/** The line that `docs.test.ts` runs with the first program of the README as `server.mjs`. */
export const ACTIVATE = 'systemd-socket-activate -l 8080 node server.mjs'

/** What `shipped/systemd-ways.test.ts` types for a restart with overlap, as a document shows it. */
export const OVERLAP = 'systemctl start app@2.service && systemctl stop app@1.service\n'

/** Lines that `command.test.ts` runs, with the first program of the README as `server.mjs`. */
export const SUPERVISE: readonly string[] = [
  'npx socket-port run --listen 8080 -- node server.mjs',
  'npx socket-port reload',
]

/** The line that `command.test.ts` runs then, and compares what it prints. */
export const STATUS = 'socket-port status'

/** The same with metrics, and the line that reads them. */
export const METRICS: readonly string[] = [
  'npx socket-port run --listen 8080 --metrics 127.0.0.1:9100 -- node server.js',
  'curl -s http://127.0.0.1:9100/metrics',
]

/** Lines that `docs/command.test.ts` runs, with a program as `server.js` that knows nothing of this package. */
export const REGISTER: readonly string[] = [
  'node --import @socket-port/core/register server.js',
  'npx socket-port run --register --listen 8080 -- node server.js',
  'npx socket-port run --register --listen 8080 -- npm start',
  'npx socket-port run --register --listen 8080 -- node --watch server.js',
]

/** Lines that `docs/develop.test.ts` runs; those that watch restart after a change. */
export const DEVELOP: readonly string[] = [
  'npx socket-port run --listen 8080 --watch -- node server.mjs',
  'npx socket-port run --listen 8080 --watch src --ignore dist -- node server.mjs',
  'npx socket-port run --listen 8080 -- nodemon --signal SIGTERM server.mjs',
  'npx socket-port run --listen 8080 --watch -- node --import tsx server.ts',
  'npx socket-port run --listen 8080 --watch -- tsx server.ts',
]

/** The same, without a manager. */
export const NODEMON = 'npx nodemon --signal SIGTERM server.mjs'

/** Of the section on deployment: `docs/deploy.test.ts` runs it, and the script that follows. */
export const DEPLOY_UNIT = 'socket-port unit /srv/app/current/server.mjs --port 8080 --way run'

/** Lines of docs/pm2.md, which `docs/pm2.test.ts` runs. */
export const FROM_PM2 = {
  run: 'npx socket-port run --listen 8080 --workers 2 -- node server.mjs',
  unit: 'socket-port unit server.mjs --name app --port 8080 --way run --env-file /etc/app.env',
} as const

/** Lines that `docs/develop.test.ts` types one after the other. */
export const COMPILE: readonly string[] = ['npx tsc', 'socket-port unit dist/server.js --port 8080']

/** Lines of the READMEs of `ws` and `socket.io`, which `shipped/long-lived.test.ts` types in three terminals. */
export const CLIENTS: Readonly<Record<string, string>> = {
  '@socket-port/ws': `node -e "ws = new (require('ws'))('ws://localhost:8080'); ws.onmessage = ({ data }) => console.log(data); ws.onopen = () => setInterval(() => ws.send('hello'), 500)"`,
  '@socket-port/socket.io': `node -e "socket = require('socket.io-client')('http://localhost:8080'); setInterval(() => socket.emit('count', console.log), 500)"`,
}

/** Lines of docs/bundling.md, of which `bundles.test.ts` runs all but one bundler's. */
export const BUNDLE: readonly string[] = [
  'npx esbuild server.js --bundle --platform=node --format=esm --outfile=out/server.mjs',
  'npx rolldown server.js --platform node --format esm --file out/server.mjs --no-code-splitting',
  'mkdir -p out/node_modules/@koromix',
  'cp -RL node_modules/@koromix/koffi-linux-x64 out/node_modules/@koromix/',
]

/** Lines whose units `cli-units.test.ts` boots; `shipped/command.test.ts` types them. */
export const UNITS: readonly string[] = [
  'socket-port unit server.js --port 8080',
  'socket-port unit server.js --port 8080 --way store',
  'socket-port unit server.js --port 8080 --way run',
  'socket-port unit server.js --port 8080 --register',
]

/** The unit of a program that npm starts, which `suites/systemd/cli-units.test.ts` starts. */
export const NPM_UNIT = 'socket-port unit --port 3000 --way run --register -- npm start'

/** Lines that `shipped/command.test.ts` types in a booted systemd. */
export const WRITE_UNITS: readonly string[] = [
  'cd /srv/app',
  'sudo socket-port unit server.js --port 8080 --way run -o /etc/systemd/system',
  'sudo systemctl daemon-reload',
  'sudo systemctl enable --now app.service',
  'sudo systemctl reload app.service',
]
