import { fileURLToPath } from 'node:url'
import { type Exit, type Generation, startGeneration } from '@socket-port/testkit/generation'
import { type Supervised, startSupervised } from '@socket-port/testkit/supervised'
import { Machine } from './machine.ts'

export const NAMES = ['a', 'b'] as const
export type Name = (typeof NAMES)[number]

const pathOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** The example, which is `examples/machines/server.mjs`. */
export const EXAMPLE: string = pathOf('examples/machines/server.mjs')
/** A server that closes when it is told to end, as most do. */
export const PLAIN: string = pathOf('test/fixtures/plain-close.mjs')

/** A server that the command does not run. */
export interface Alone {
  command: readonly string[]
  env: Readonly<Record<string, string>>
  cwd?: string
  serves: RegExp
}

/** Two machines, each with an instance of one server on port 8080. */
export class TwoMachines {
  readonly #machines: Readonly<Record<Name, Machine>>
  #env: Readonly<Record<string, string>> = {}
  readonly #supervised = new Map<Name, Supervised>()
  readonly #plain = new Map<Name, Generation>()

  private constructor(a: Machine, b: Machine) {
    this.#machines = { a, b }
  }

  /** Opens the machines; nothing runs on them. */
  static async open(): Promise<TwoMachines> {
    const a = await Machine.open(0)
    return new TwoMachines(a, await Machine.open(1))
  }

  addressOf(name: Name): string {
    return this.#machines[name].address
  }

  /** Starts the example with `socket-port run`; resolves when it serves. */
  async start(name: Name): Promise<void> {
    const supervised = startSupervised({
      env: this.#env,
      prefix: this.#machines[name].prefix,
      args: ['--listen', '8080'],
      command: [process.execPath, EXAMPLE],
    })
    this.#supervised.set(name, supervised)
    await supervised.printed(/generation 1 is ready/)
  }

  /** Starts the example on both, with these variables from now on. */
  async startBoth(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#env = env
    await Promise.all(NAMES.map((name) => this.start(name)))
  }

  /** Starts a command alone, which binds the port itself; resolves when it has printed what `serves` matches. */
  async startAlone(name: Name, { command, serves, ...options }: Alone): Promise<void> {
    const { prefix } = this.#machines[name]
    const generation = startGeneration({ ...options, command: [...prefix, ...command] })
    this.#plain.set(name, generation)
    await generation.printed(serves)
  }

  /** Replaces the process of an instance; resolves when the old one has ended. */
  async reload(name: Name): Promise<void> {
    const supervised = this.#supervisedOf(name)
    const { code, stderr } = await supervised.ask('reload')
    if (code !== 0) throw new Error(stderr)
    await supervised.until(({ generations }) => generations.length === 1)
  }

  /** Sends SIGTERM to an instance; resolves when it has ended. */
  async stop(name: Name): Promise<Exit> {
    const { generation } = this.#supervised.get(name) ?? { generation: this.#plain.get(name) }
    if (generation === undefined) throw new Error(`${name} does not run`)
    generation.signal('SIGTERM')
    return generation.exit
  }

  /** The process that serves. */
  async pidOf(name: Name): Promise<number | undefined> {
    const { generations } = await this.#supervisedOf(name).status()
    return generations[0]?.workers[0]?.pid
  }

  /** What the instances that run now have printed. */
  get output(): string {
    const generations = [...this.#supervised.values()].map(({ generation }) => generation)
    return [...generations, ...this.#plain.values()].map(({ output }) => output).join('')
  }

  /** Ends all at once. */
  async close(): Promise<void> {
    const running = [...this.#supervised.values(), ...this.#plain.values()]
    await Promise.all(running.map((one) => one.dispose()))
    await Promise.all(Object.values(this.#machines).map((machine) => machine.close()))
  }

  #supervisedOf(name: Name): Supervised {
    const supervised = this.#supervised.get(name)
    if (supervised === undefined) throw new Error(`${name} does not run under the command`)
    return supervised
  }
}
