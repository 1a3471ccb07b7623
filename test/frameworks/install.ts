import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { manifestOf } from '../src/docs/documents.ts'
import { fetchNode } from '../src/nodes.ts'
import {
  type App,
  apps,
  environmentOf,
  folderOf,
  INSTALLED,
  MAJOR,
  SKIP_REASON,
  SOURCES,
} from './apps.ts'

const run = promisify(execFile)

/** Holds what an app was built of. */
const STAMP = '.built'

/** Installs and builds each app that is not here yet, or has changed since, if their Node can be had. */
export async function setup(): Promise<void> {
  try {
    fetchNode(MAJOR)
  } catch (error) {
    process.env[SKIP_REASON] = `Node ${MAJOR} cannot be fetched: ${(error as Error).message}`
    return
  }
  const stale = apps.filter((app) => stampOf(app) !== hashOf(app))
  const [first] = stale
  if (first === undefined) return
  mkdirSync(INSTALLED, { recursive: true })
  cpSync(join(SOURCES, WORKSPACE), join(INSTALLED, WORKSPACE))
  for (const app of stale) {
    rmSync(folderOf(app), { recursive: true, force: true })
    cpSync(join(SOURCES, app.name), folderOf(app), { recursive: true })
  }
  await pnpm(first, INSTALLED, 'install', '--frozen-lockfile')
  const queue = [...stale]
  const build = async (): Promise<void> => {
    for (let app = queue.shift(); app !== undefined; app = queue.shift()) {
      if (hasBuild(app)) await pnpm(app, folderOf(app), 'run', 'build')
      writeFileSync(join(folderOf(app), STAMP), hashOf(app))
    }
  }
  await Promise.all([build(), build()])
}

const WORKSPACE = 'pnpm-workspace.yaml'

const hasBuild = ({ name }: App): boolean =>
  manifestOf(`examples/frameworks/${name}`).scripts.build !== undefined

async function pnpm(app: App, cwd: string, ...args: string[]): Promise<void> {
  const { packageManager } = manifestOf('')
  const env = { ...process.env, ...environmentOf(app) }
  try {
    await run('npx', ['-y', packageManager, ...args], { cwd, env, maxBuffer: 64 * 1024 * 1024 })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`pnpm ${args.join(' ')} in ${cwd} failed:\n${stdout}${stderr}`, {
      cause: error,
    })
  }
}

function stampOf(app: App): string | undefined {
  const stamp = join(folderOf(app), STAMP)
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined
}

/** Of all that an app is made of. */
function hashOf({ name }: App): string {
  const hash = createHash('sha256').update(`${MAJOR}\0`)
  hash.update(readFileSync(join(SOURCES, WORKSPACE)))
  const folder = join(SOURCES, name)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(file))
  return hash.digest('hex')
}
