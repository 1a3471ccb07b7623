import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  bootSystemd,
  type Outcome,
  type Release,
  type SystemdBox,
} from '@socket-port/testkit/systemd/index'
import { runIn } from '@socket-port/testkit/systemd/run-in'
import { ROOT } from './documents.ts'
import { run } from './run.ts'

/**
 * In the box, whose root file system is read-only: what the commands write to is a folder of the box,
 * but for npm's cache, where the root is the host's.
 */
const MOUNTS = `
mount --bind "$0/srv" /srv
mount --bind "$0/units" /etc/systemd/system
[ -d "$1" ] || exit 0
mount --bind "$1" "$1"
mount -o remount,bind,rw "$1"
`

/** Where `npm i -g` puts what it installs. */
const GLOBAL = '/srv/npm'

/** A release that is brought here has neither; both work on the host as well. */
const HOST_TOOLS = /^(?:sudo )?(?=(?:npm|curl) )/

/** A machine for who types the commands of a document: they run in a booted systemd, as they stand. */
export class Machine {
  readonly #box: SystemdBox
  readonly #env: NodeJS.ProcessEnv
  readonly #release: Release

  /** `env` is what the package managers are told. */
  static async boot(env: NodeJS.ProcessEnv, release: Release = 'host'): Promise<Machine> {
    const box = await bootSystemd({ units: {}, release })
    const cache = (await run('npm', ['config', 'get', 'cache'], { env })).stdout.trim()
    const bin = join(box.dir, 'bin')
    for (const folder of [cache, join(box.dir, 'srv'), bin]) mkdirSync(folder, { recursive: true })
    // Here one is root already, and sudo may not be installed.
    const sudo = join(bin, 'sudo')
    writeFileSync(sudo, '#!/bin/sh\nexec "$@"\n')
    chmodSync(sudo, 0o755)
    const { code, stderr } = await runIn(box.pid, 'sh', ['-euc', MOUNTS, box.dir, cache])
    if (code !== 0) throw new Error(`the box has nothing to write to: ${stderr}`)
    const PATH = [bin, `${GLOBAL}/bin`, dirname(process.execPath), process.env.PATH].join(':')
    const own = { PATH, HOME: process.env.HOME, npm_config_prefix: GLOBAL }
    return new Machine(box, { ...own, ...env }, release)
  }

  private constructor(box: SystemdBox, env: NodeJS.ProcessEnv, release: Release) {
    this.#box = box
    this.#env = env
    this.#release = release
  }

  /** Copies the files of a folder, each changed by `adapt`; returns where they are. */
  copy(folder: string, adapt: (text: string) => string): string {
    const target = join(this.#box.dir, folder)
    mkdirSync(target, { recursive: true })
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      if (!entry.isFile()) continue
      const text = readFileSync(join(ROOT, folder, entry.name), 'utf8')
      writeFileSync(join(target, entry.name), adapt(text))
    }
    return target
  }

  /** Types commands, of one line or several, and waits for their end. */
  async type(commands: string, cwd: string): Promise<Outcome> {
    if (this.#release !== 'host' && HOST_TOOLS.test(commands)) {
      const [file = '', ...args] = this.onHost(commands.replace(HOST_TOOLS, ''))
      const { status, ...said } = await run(file, args, { env: this.#env })
      return { code: status ?? -1, ...said }
    }
    const env = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`)
    const shell = ['sh', '-c', `set -e; cd "$0"; ${commands}`, cwd]
    return runIn(this.#box.pid, 'env', ['-i', ...env, ...shell])
  }

  /** A command that has a path below /srv, as the host says it. */
  onHost(command: string): string[] {
    return command.replace('/srv/', `${this.#box.dir}/srv/`).split(' ')
  }

  /** Writes a file below /srv. */
  write(path: string, text: string): void {
    const file = join(this.#box.dir, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  /** Everything that a unit's processes wrote since this was asked last. */
  async log(unit: string): Promise<string> {
    const text = await this.#box.log(unit)
    rmSync(join(this.#box.dir, 'log', unit), { force: true })
    return text
  }

  /** Empties /srv. */
  clear(): void {
    const srv = join(this.#box.dir, 'srv')
    for (const name of readdirSync(srv)) rmSync(join(srv, name), { recursive: true })
  }

  stop(): Promise<void> {
    return this.#box.stop()
  }
}
