import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Load, startLoad } from '@socket-port/testkit/load/load'
import type { LoadOptions } from '@socket-port/testkit/load/options'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { pathInBox, type SystemdBox } from '@socket-port/testkit/systemd/index'

export const SERVER: string = fileURLToPath(
  new URL('../../fixtures/handover/server.mjs', import.meta.url),
)

/** One server of the fixture: options of `serve`, and what is special about the server itself. */
export interface ServerOptions {
  /** What the fixture `addresses.mjs` answers with. */
  id?: string
  port?: number
  path?: string
  host?: string
  kind?: 'http' | 'https' | 'http2'
  /** What the server is created with, and what is set on it. */
  create?: Readonly<Record<string, number>>
  set?: Readonly<Record<string, number>>
  fdStore?: boolean
  drain?: Readonly<Record<string, unknown>>
}

export interface AppOptions {
  /** @default one on the app's port */
  servers?: readonly ServerOptions[]
  /** What the `.socket` listens on, `null` for none. @default the app's port */
  listen?: string | null
  /** @default 4 */
  store?: number
  env?: Readonly<Record<string, string>>
  /** Lines of [Service]. */
  lines?: readonly string[]
  /** What runs, as the box sees it. @default the fixture, by this Node */
  command?: readonly string[]
}

/** What `/who` answers. */
export interface Who {
  pid: number
  remoteAddress: string
  remotePort: number
  /** By this process, from the connection. */
  bytesRead: number
  connections: number
}

/** A service, and the clients that ask it. */
export class App {
  readonly systemd: SystemdBox
  readonly name: string
  readonly unit: string
  readonly port: number
  readonly #clients: RawConnection[] = []
  readonly #loads: Load[] = []

  constructor(systemd: SystemdBox, name: string, port: number) {
    this.systemd = systemd
    this.name = name
    this.unit = `${name}.service`
    this.port = port
  }

  /** Writes the units; the next start of the service is by them. */
  async install(options: AppOptions): Promise<void> {
    const { port } = this
    const { servers = [{}], listen = String(port), store = 4, env = {}, lines = [] } = options
    const { command = [pathInBox(process.execPath), pathInBox(SERVER)] } = options
    const withPort = (one: ServerOptions): ServerOptions => (one.path ? one : { port, ...one })
    const variables = {
      NODE_DEBUG: 'socket-port',
      SERVERS: JSON.stringify(servers.map(withPort)),
      ...env,
    }
    const service = [
      '[Unit]',
      'StartLimitIntervalSec=0',
      '[Service]',
      'Type=notify',
      ...Object.entries(variables).map(environment),
      `ExecStart=${command.join(' ')}`,
      `FileDescriptorStoreMax=${store}`,
      ...lines,
    ]
    const socket = `[Socket]\nListenStream=${listen}\nBacklog=4096\n`
    await this.systemd.install({
      ...(listen !== null && { [`${this.name}.socket`]: socket }),
      [this.unit]: `${service.join('\n')}\n`,
    })
  }

  restart(): Promise<void> {
    return this.systemd.restart(this.unit)
  }

  pid(): Promise<number> {
    return this.systemd.mainPid(this.unit)
  }

  log(): Promise<string> {
    return this.systemd.log(this.unit)
  }

  /** Restarts, and resolves once the old process drains. */
  async beginRestart(): Promise<{ old: number; restarted: Promise<void> }> {
    const old = await this.pid()
    const restarted = this.restart()
    // The test awaits it later.
    restarted.catch(() => {})
    await this.systemd.logHolds(this.unit, `${old} drains`)
    return { old, restarted }
  }

  stored(): Promise<string> {
    return this.systemd.show(this.unit, 'NFileDescriptorStore')
  }

  /**
   * Resolves when the store has so many entries. A process may answer before it has removed the queue of the previous one,
   * and systemd announces no change of the number.
   */
  async untilStored(count: number): Promise<void> {
    while ((await this.stored()) !== String(count)) {}
  }

  /** Lets the responses of `/hold` end. */
  release(): Promise<void> {
    return this.systemd.kill(this.unit, 'SIGUSR2')
  }

  /** A connection that has asked once. */
  async connect(port: number = this.port): Promise<Client> {
    const connection = await RawConnection.open(port)
    this.#clients.push(connection)
    const client = new Client(connection)
    await client.who()
    return client
  }

  async load(
    options: Omit<LoadOptions, 'target'>,
    target: LoadOptions['target'] = { port: this.port },
  ): Promise<Load> {
    const load = await startLoad({ target, ...options })
    this.#loads.push(load)
    if (options.clients !== 0) await load.oneRequestEach()
    return load
  }

  /** Descriptors that are open in the service and in PID 1. */
  async openFds(): Promise<{ service: number; manager: number }> {
    const count = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
    const service = this.systemd.hostPid(await this.pid())
    return { service: count(service), manager: count(this.systemd.pid) }
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    await Promise.all(this.#loads.map((load) => load.dispose()))
    await this.systemd.systemctl('stop', `${this.name}.socket`, this.unit)
  }
}

/** One keep-alive connection. */
export class Client {
  readonly raw: RawConnection
  readonly localPort: number

  constructor(raw: RawConnection) {
    this.raw = raw
    this.localPort = raw.socket.localPort ?? 0
  }

  async who(): Promise<Who> {
    this.raw.send(get('/who'))
    return this.whoComes()
  }

  /** The answer to `/who` that was asked before. */
  async whoComes(): Promise<Who> {
    const text = await this.raw.receive(/\{.*\}/)
    return JSON.parse(/\{.*\}/.exec(text)?.[0] ?? '') as Who
  }
}

function environment([name, value]: [string, string]): string {
  return `Environment="${name}=${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('%', '%%')}"`
}
