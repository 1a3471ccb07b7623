import type { LoadResult } from '@socket-port/testkit/load/result'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  RELEASES,
  type Release,
  releaseSkipReason,
  type SystemdBox,
} from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { App, type AppOptions } from './app.ts'

export { type App, type AppOptions, type Client, SERVER } from './app.ts'

// The version of systemd that brought it.
const NOTIFY_RELOAD = 253

/**
 * A suite for each of RELEASES, whose box boots before its first test. What a test starts there ends
 * with the test.
 */
export async function describeHandover(
  what: string,
  suite: (box: HandoverBox) => void,
): Promise<void> {
  for (const release of RELEASES) {
    const name = `${what}, with systemd on ${release}`
    describe(...requireOrSkip(name, await releaseSkipReason(release)), () => {
      const box = new HandoverBox(release)
      beforeAll(() => box.ready())
      afterEach(async () => {
        await box.stopApps()
        await endProcesses()
      })
      afterAll(() => box.stop())
      suite(box)
    })
  }
}

/** A box in which services hand their connections over. */
export class HandoverBox {
  readonly release: Release
  #systemd: SystemdBox | undefined
  readonly #apps: App[] = []
  #names = 0

  constructor(release: Release) {
    this.release = release
  }

  async ready(): Promise<void> {
    this.#systemd = await bootSystemd({ units: {}, release: this.release })
  }

  get systemd(): SystemdBox {
    if (this.#systemd === undefined) throw new Error('This box has not booted')
    return this.#systemd
  }

  /** Lines of [Service] for `socket-port run` as the main process. `systemctl reload` reloads it. */
  async linesOfRun(): Promise<string[]> {
    const reload =
      (await this.systemd.version()) >= NOTIFY_RELOAD
        ? 'Type=notify-reload'
        : 'ExecReload=kill -HUP $MAINPID'
    return ['NotifyAccess=main', 'RuntimeDirectory=socket-port', reload]
  }

  /** Starts a service under a name of its own. */
  async start(options: AppOptions = {}): Promise<App> {
    this.#names += 1
    const app = new App(this.systemd, `app${this.#names}`, freePort())
    this.#apps.push(app)
    await app.install(options)
    await this.systemd.start(...(options.listen === null ? [] : [`${app.name}.socket`]), app.unit)
    return app
  }

  /** Stops what was started, and closes its clients. */
  async stopApps(): Promise<void> {
    await Promise.all(this.#apps.splice(0).map((app) => app.stop()))
  }

  async stop(): Promise<void> {
    await this.#systemd?.stop()
  }
}

/** 0 failed, and 0 closed: each client has had one connection all the time. */
export function expectNothingNoticed(result: LoadResult, clients: number): void {
  expect(result.failures).toEqual([])
  const { failed, connections, closedByServer } = result
  expect({ failed, connections, closedByServer }).toEqual({
    failed: 0,
    connections: clients,
    closedByServer: 0,
  })
}
