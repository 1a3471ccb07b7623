import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootSystemd, type SystemdBox } from '@socket-port/testkit/systemd/index'
import { type Outcome, runIn } from '@socket-port/testkit/systemd/run-in'
import { WORKDIR, writeImage } from './image.ts'

const GENERATOR = '/usr/lib/systemd/system-generators/podman-system-generator'

/**
 * A container has no network: what reaches it came through the socket. What Podman keeps goes with the box. The cgroups of
 * this machine need not know how to count processes.
 */
const CONFIG = `
[containers]
netns = "none"
log_driver = "passthrough"
pids_limit = 0
[engine]
runtime = "crun"
events_logger = "none"
`
const STORAGE = `
[storage]
driver = "overlay"
graphroot = "/run/containers/graph"
runroot = "/run/containers/storage"
`

/** Podman of Debian 13, beside its systemd. */
export class Podman {
  readonly box: SystemdBox
  readonly #folder: string
  readonly #env: Readonly<Record<string, string>>

  private constructor(box: SystemdBox, folder: string, env: Readonly<Record<string, string>>) {
    this.box = box
    this.#folder = folder
    this.#env = env
  }

  static async boot(): Promise<Podman> {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'socket-port-podman-'))
    const env = {
      CONTAINERS_CONF: join(folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    }
    writeFileSync(env.CONTAINERS_CONF, CONFIG)
    writeFileSync(env.CONTAINERS_STORAGE_CONF, STORAGE)
    return new Podman(await bootSystemd({ units: {}, env, release: 'trixie' }), folder, env)
  }

  /** Runs `podman` in the box. Throws with what it said if it fails. */
  run(...args: string[]): Promise<Outcome> {
    return this.#run('podman', args)
  }

  /** Makes the image `localhost/app` of programs. */
  async importImage(programs: Readonly<Record<string, string>>): Promise<void> {
    const tar = join(this.#folder, 'image.tar')
    writeImage(tar, programs)
    const changes = [`WORKDIR=${WORKDIR}`, 'ENV=PATH=/usr/bin:/bin']
    const options = changes.flatMap((change) => ['--change', change])
    await this.run('import', '--quiet', ...options, tar, 'localhost/app')
    rmSync(tar)
  }

  /** Returns the service that Podman's generator makes of a Quadlet; fails if it warns. */
  async generate(name: string, quadlet: string): Promise<string> {
    const [source, units] = [join(this.#folder, 'quadlets'), join(this.#folder, 'units')]
    for (const folder of [source, units]) mkdirSync(folder, { recursive: true })
    writeFileSync(join(source, `${name}.container`), quadlet)
    const { stderr } = await this.#run('env', [
      `QUADLET_UNIT_DIRS=${source}`,
      GENERATOR,
      ...[units, units, units],
    ])
    if (stderr !== '') throw new Error(`Podman's generator says: ${stderr}`)
    return readFileSync(join(units, `${name}.service`), 'utf8')
  }

  async stop(): Promise<void> {
    await this.box.stop()
    rmSync(this.#folder, { recursive: true })
  }

  async #run(command: string, args: readonly string[]): Promise<Outcome> {
    const variables = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`)
    const outcome = await runIn(this.box.pid, 'env', [...variables, command, ...args])
    if (outcome.code === 0) return outcome
    throw new Error(`${command} ${args.join(' ')} failed with ${outcome.code}: ${outcome.stderr}`)
  }
}
