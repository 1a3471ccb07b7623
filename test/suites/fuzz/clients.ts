import { setTimeout } from 'node:timers/promises'
import { Wire } from '@socket-port/testkit/fuzz/wire'
import { type Chance, chanceOf } from './cases.ts'
import { exchanges, type Kind, WEIGHTS } from './exchanges.ts'

export interface FuzzTarget {
  port: number
  /** By the name that the server on it answers with. */
  hosts: Readonly<Record<string, string>>
}

export interface FuzzResult {
  /** How many of each kind went as they should. */
  counts: Record<Kind, number>
  total: number
  connections: number
  failures: string[]
}

/** Clients that ask whatever the seed makes of it, each of one server, until they are stopped. */
export class Fuzz {
  readonly #target: FuzzTarget
  readonly #clients: Promise<void>[]
  readonly #rounds: number[]
  readonly #result: FuzzResult
  #stopped = false
  #onRound: () => void = () => {}

  constructor(target: FuzzTarget, seed: number, clients: number) {
    this.#target = target
    this.#result = {
      counts: Object.fromEntries(
        Object.keys(WEIGHTS).map((kind) => [kind, 0]),
      ) as FuzzResult['counts'],
      total: 0,
      connections: 0,
      failures: [],
    }
    this.#rounds = Array(clients).fill(0)
    const servers = Object.keys(target.hosts)
    this.#clients = this.#rounds.map((_, index) =>
      this.#run(index, servers[index % servers.length] as string, chanceOf(seed * 1_000 + index)),
    )
  }

  /** Resolves when each client has finished two more exchanges: one of them has begun after the call. */
  async oneRequestEach(): Promise<void> {
    const goals = this.#rounds.map((count) => count + 2)
    while (this.#rounds.some((count, index) => count < (goals[index] as number))) {
      await new Promise<void>((resolve) => {
        this.#onRound = resolve
      })
    }
  }

  async stop(): Promise<FuzzResult> {
    this.#stopped = true
    await Promise.all(this.#clients)
    return this.#result
  }

  async #run(index: number, server: string, chance: Chance): Promise<void> {
    const { counts, failures } = this.#result
    let wire: Wire | undefined
    for (let number = 0; !this.#stopped; number += 1) {
      const kind = chance.weigh(WEIGHTS)
      const id = `${server}${index}-${number}`
      try {
        if (wire?.isOver) throw new Error('the idle connection was closed')
        wire ??= await this.#open(server)
        const state = await exchanges[kind]({ wire, chance, server, id })
        if (state === 'ended') wire = undefined
        counts[kind] += 1
        this.#result.total += 1
      } catch (error) {
        failures.push(`${id} (${kind}): ${(error as Error).message}`)
        wire?.destroy()
        wire = undefined
      }
      this.#rounds[index] = number + 1
      this.#onRound()
      if (chance.number(3) === 0) await setTimeout(chance.number(30))
    }
    wire?.destroy()
  }

  #open(server: string): Promise<Wire> {
    this.#result.connections += 1
    return Wire.open(this.#target.port, this.#target.hosts[server] as string)
  }
}
