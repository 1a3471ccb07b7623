import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Manifest, manifestOf, ROOT } from './documents.ts'
import { PUBLISHED, type Published } from './published.ts'
import { openRegistry, type Registry, type Tarball } from './registry.ts'
import { type Ended, run } from './run.ts'

export interface Packed extends Tarball, Published {
  readonly manifest: Manifest
  /** The paths of its files, without the folder that they are in. */
  readonly files: readonly string[]
  read(file: string): Promise<string>
}

/** The packages as they are published, and a machine that finds them in its registry. */
export class PackedPackages {
  readonly packages: readonly Packed[]
  /** Of a package manager, or of whatever runs one. */
  readonly env: NodeJS.ProcessEnv
  readonly #dir: string
  readonly #registry: Registry

  /** Packs every package that is published; they must have been built. */
  static async create(): Promise<PackedPackages> {
    const dir = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-packed-'))
    const packages = await Promise.all(PUBLISHED.map((published) => pack(published, dir)))
    const registry = await openRegistry(packages)
    return new PackedPackages(dir, packages, registry, await packageManagerEnv(dir, registry))
  }

  private constructor(
    dir: string,
    packages: readonly Packed[],
    registry: Registry,
    env: NodeJS.ProcessEnv,
  ) {
    this.#dir = dir
    this.packages = packages
    this.#registry = registry
    this.env = env
  }

  /** Makes an empty project; returns its folder. */
  project(name: string): string {
    const folder = join(this.#dir, 'projects', name)
    mkdirSync(folder, { recursive: true })
    const manifest = { name: 'app', private: true, type: 'module' }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    return folder
  }

  /** Names of packages, with the tarball of the command for its name: only the scope has a registry of its own. */
  withCommand(names: string): string {
    const file = this.packages.find(({ command }) => command)?.file ?? ''
    return names.replace(/(?<!\S)socket-port(?!\S)/, file)
  }

  /** Runs a line like `npm i @socket-port/core`, as on a machine where nothing else is set up. */
  run(line: string, cwd: string): Promise<Ended> {
    const [tool = '', ...args] = line.split(' ')
    return runTool(tool, args, cwd, this.env)
  }

  remove(): void {
    this.#registry.close()
    rmSync(this.#dir, { recursive: true })
  }
}

async function pack(published: Published, dir: string): Promise<Packed> {
  const folder = join(dir, published.folder)
  mkdirSync(folder, { recursive: true })
  const args = ['pack', '--pack-destination', folder]
  const { status, stderr } = await runTool('pnpm', args, join(ROOT, published.folder))
  const [name] = readdirSync(folder)
  if (status !== 0 || name === undefined) throw new Error(`pnpm pack failed: ${stderr}`)
  const file = join(folder, name)
  const tar = async (...args: string[]): Promise<string> => (await run('tar', args)).stdout
  const read = (path: string): Promise<string> => tar('-xzOf', file, `package/${path}`)
  const paths = (await tar('-tzf', file)).trim().split('\n')
  return {
    ...published,
    file,
    manifest: JSON.parse(await read('package.json')) as Manifest,
    files: paths.map((path) => path.replace(/^package\//, '')),
    read,
  }
}

function runTool(
  tool: string,
  args: readonly string[],
  cwd: string,
  env?: NodeJS.ProcessEnv,
): Promise<Ended> {
  if (tool !== 'pnpm') return run(tool, args, { cwd, env })
  return run('npx', ['-y', manifestOf('').packageManager, ...args], { cwd, env })
}

// What a user has configured is not ours to test, and npm warns of keys that it does not know.
async function packageManagerEnv(dir: string, registry: Registry): Promise<NodeJS.ProcessEnv> {
  const userConfig = join(dir, 'npmrc')
  writeFileSync(userConfig, `@socket-port:registry=${registry.url}\n`)
  const network = ['registry', 'cafile'].map(async (key) => {
    const { stdout } = await run('npm', ['config', 'get', key], { env: process.env })
    return [`npm_config_${key}`, stdout.trim()]
  })
  const set = (await Promise.all(network)).filter(([, value]) => value !== 'null')
  return {
    NPM_CONFIG_USERCONFIG: userConfig,
    ...Object.fromEntries(set),
    // Neither is of the package: a look-up of advisories, and a look at npm's own version.
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
  }
}
