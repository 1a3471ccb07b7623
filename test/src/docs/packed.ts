import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manifestOf, ROOT } from './documents.ts'

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The package as it is published, in a folder of its own, and empty projects to install it in. */
export class PackedCore {
  readonly dir: string = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-packed-'))
  readonly tarball: string
  readonly #env: NodeJS.ProcessEnv

  constructor() {
    this.#env = packageManagerEnv(join(this.dir, 'npmrc'))
    const args = ['pack', '--pack-destination', this.dir]
    const { status, stderr } = this.run(['pnpm', ...args], join(ROOT, 'packages/core'))
    const name = readdirSync(this.dir).find((file) => file.endsWith('.tgz'))
    if (status !== 0 || name === undefined) throw new Error(`pnpm pack failed: ${stderr}`)
    this.tarball = join(this.dir, name)
  }

  /** Makes an empty project and runs a line like `npm i @socket-port/core` in it. */
  install(line: string, folder: string): Ended {
    const project = join(this.dir, folder)
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "name": "app", "private": true }')
    const command = line.split(' ').map((word) => (word.startsWith('@') ? this.tarball : word))
    return this.run(command, project)
  }

  /** Runs a package manager as on a machine where nothing is set up but the registry. */
  run([tool = '', ...args]: readonly string[], cwd: string): Ended {
    const { packageManager } = manifestOf('')
    const command = tool === 'pnpm' ? ['npx', '-y', packageManager, ...args] : [tool, ...args]
    const [file = '', ...rest] = command
    return spawnSync(file, rest, { cwd, env: this.#env, encoding: 'utf8' })
  }

  remove(): void {
    rmSync(this.dir, { recursive: true })
  }
}

// What a user has configured is not ours to test, and npm warns of keys that it does not know.
function packageManagerEnv(userConfig: string): NodeJS.ProcessEnv {
  writeFileSync(userConfig, '')
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' })
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    NPM_CONFIG_USERCONFIG: userConfig,
    npm_config_registry: registry.stdout.trim(),
    // Neither is of the package: a look-up of advisories, and a look at npm's own version.
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
  }
}
