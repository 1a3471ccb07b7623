import { type Load, startLoad } from '@socket-port/testkit/load/load'
import type { LoadOptions } from '@socket-port/testkit/load/options'
import { endProcesses } from '@socket-port/testkit/processes'
import { type ProxyKind, type ReverseProxy, startProxy } from '@socket-port/testkit/proxies/proxy'
import { commandSkipReason, requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe } from 'vitest'
import { TwoMachines } from './two-machines.ts'

const LOAD = { clients: 40, connection: 'mixed', method: 'mixed' } as const

/** Two machines of one test, and what stands in front of them. */
export class Site {
  #machines: TwoMachines | undefined
  #balancer: ReverseProxy | undefined
  #load: Load | undefined

  get machines(): TwoMachines {
    if (this.#machines === undefined) throw new Error('only during a test')
    return this.#machines
  }

  async open(): Promise<void> {
    this.#machines = await TwoMachines.open()
  }

  /** Starts a load balancer. */
  async balance(kind: ProxyKind): Promise<ReverseProxy> {
    this.#balancer = await startProxy(kind, 0)
    return this.#balancer
  }

  /** Starts a load balancer, and strict clients of it. */
  async underLoad(
    kind: ProxyKind,
    options: Omit<LoadOptions, 'target'> = {},
  ): Promise<{ balancer: ReverseProxy; load: Load }> {
    const balancer = await this.balance(kind)
    const load = await startLoad({ ...LOAD, ...options, target: { port: balancer.port } })
    this.#load = load
    await load.oneRequestEach()
    return { balancer, load }
  }

  async close(): Promise<void> {
    await this.#load?.dispose()
    await this.#balancer?.stop()
    await this.#machines?.close()
    await endProcesses()
  }
}

/** Tests with two machines of their own, behind a load balancer whose command is given. */
export function describeMachines(
  title: string,
  command: string,
  tests: (site: Site) => void,
): void {
  const reason = rootSkipReason() ?? commandSkipReason('ip') ?? commandSkipReason(command)
  describe(...requireOrSkip(title, reason), () => {
    const site = new Site()
    beforeEach(() => site.open())
    afterEach(() => site.close())
    tests(site)
  })
}
