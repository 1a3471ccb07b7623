import { readdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { NPM_UNIT } from '../src/docs/commands.ts'
import { manifestOf, ROOT } from '../src/docs/documents.ts'
import { nodeBinary } from '../src/nodes.ts'

/** What is special about an app, beside the scripts of its package.json. */
export interface Traits {
  /** What the clients get. @default '/' */
  path?: string
  headers?: Readonly<Record<string, string>>
  /** The path that streams the body of a POST back, `null` where there is none. @default '/echo' */
  echo?: string | null
  /** Variables that it needs. */
  env?: Readonly<Record<string, string>>
  /** The path of a WebSocket that sends back what it gets; none by default. */
  webSocket?: string
}

/** A folder of examples/frameworks. */
export interface App {
  readonly name: string
  /** What its package.json starts it with, by the name of the script. */
  readonly starts: Readonly<Record<string, string>>
  readonly traits: Traits
}

/** One of the commands that start an app. */
export interface Way {
  readonly app: App
  readonly script: string
  readonly command: string
  /** The app, and the script where it has several. */
  readonly title: string
}

const WEB_SOCKET: Traits = { webSocket: '/socket' }

const TRAITS: Readonly<Record<string, Traits>> = {
  // Apollo answers a GET only where a page of another site could not have made it.
  apollo: {
    path: '/?query=%7Bhello%7D',
    headers: { 'content-type': 'application/json' },
    echo: null,
  },
  express: WEB_SOCKET,
  fastify: WEB_SOCKET,
  h3: WEB_SOCKET,
  hono: WEB_SOCKET,
  nestjs: WEB_SOCKET,
  'nitro-2': WEB_SOCKET,
  nuxt: WEB_SOCKET,
  // Both look for a free port themselves, and would leave the one that is kept.
  static: { echo: null, env: { SOCKET_PORT_REGISTER_TAKE: 'first' } },
}

/** The newest Node for which all of them are made. */
export const MAJOR = 24

/** The variable in which the set-up says why no app can be tested here. */
export const SKIP_REASON = 'SOCKET_PORT_FRAMEWORKS_SKIP'

export const appsSkipReason = (): string | undefined => process.env[SKIP_REASON]

/** Where the apps are, one folder each. */
export const SOURCES: string = join(ROOT, 'examples/frameworks')

/** Where they are installed and built. */
export const INSTALLED: string = join(ROOT, 'test/.frameworks')

export const apps: readonly App[] = readdirSync(SOURCES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => {
    const { scripts } = manifestOf(`examples/frameworks/${name}`)
    const starts = Object.entries(scripts).filter(([script]) => /^start(:|$)/.test(script))
    return { name, starts: Object.fromEntries(starts), traits: TRAITS[name] ?? {} }
  })

export const ways: readonly Way[] = apps.flatMap((app) =>
  Object.entries(app.starts).map(([script, command]) => {
    const title = script === 'start' ? app.name : `${app.name}, ${script.replace('start:', '')}`
    return { app, script, command, title }
  }),
)

/** The line of docs/frameworks.md that starts it. */
export function runLine({ app, command }: Pick<Way, 'command'> & { app?: App }): string {
  const env = app?.traits.env
  const variables = Object.entries({ ...env, PORT: '3000' }).map(
    ([name, value]) => `${name}=${value}`,
  )
  return `${variables.join(' ')} npx socket-port run --register --listen 3000 -- ${command}`
}

/** The files that node runs for the commands of frameworks. */
const FILES: Readonly<Record<string, string>> = {
  next: 'node_modules/next/dist/bin/next',
  'react-router-serve': 'node_modules/@react-router/serve/bin.cjs',
  serve: 'node_modules/serve/build/main.js',
  sirv: 'node_modules/sirv-cli/bin.js',
  srvx: 'node_modules/srvx/bin/srvx.mjs',
}

/** The line there that prints its units. */
export function unitLine({ command }: Way): string {
  const [word = '', ...words] = command.split(' ')
  const [entry, ...own] = word === 'node' ? words : [FILES[word], ...words]
  if (entry === undefined) throw new Error(`it is not known which file node runs for ${word}`)
  const after = own.length === 0 ? '' : ` -- ${own.join(' ')}`
  return `socket-port unit ${entry} --port 3000 --register${after}`
}

/** The commands below which a program is tested too. */
export const WRAPPERS: readonly string[] = ['npm start', 'pnpm start', 'node --watch']

/** As docs/frameworks.md shows them. */
const WRAPPED = WRAPPERS.filter((wrapper) => wrapper.endsWith('start'))

/** Every line of commands in docs/frameworks.md. */
export const FRAMEWORK_LINES: readonly string[] = [
  ...ways.map(runLine),
  ...ways.map(unitLine),
  ...WRAPPED.map((command) => runLine({ command })),
  NPM_UNIT,
]

export const folderOf = ({ name }: App): string => join(INSTALLED, name)

/** None of the frameworks may phone home. The last one is of `serve`. */
export const OFFLINE: Readonly<Record<string, string>> = {
  NEXT_TELEMETRY_DISABLED: '1',
  NUXT_TELEMETRY_DISABLED: '1',
  ASTRO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  NO_UPDATE_CHECK: '1',
}

/** As in `npm run` and `npx` on the Node of the apps. */
export const environmentOf = (app: App): Record<string, string> => ({
  PATH: [
    join(folderOf(app), 'node_modules/.bin'),
    dirname(nodeBinary(MAJOR)),
    process.env.PATH ?? '',
  ].join(delimiter),
  ...app.traits.env,
  NODE_ENV: 'production',
  ...OFFLINE,
})
