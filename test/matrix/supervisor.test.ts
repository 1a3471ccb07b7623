import { fileURLToPath } from 'node:url'
import { startLoad } from '@socket-port/testkit/load/load'
import { endProcesses } from '@socket-port/testkit/processes'
import { Releases, startSupervised } from '@socket-port/testkit/supervised'
import { afterEach, describe, expect, it } from 'vitest'
import { MAJORS, nodeBinary } from '../src/nodes.ts'

const SERVER = fileURLToPath(new URL('../fixtures/cli-server.mjs', import.meta.url))

afterEach(endProcesses)

/** A release that runs the server on this Node. */
const runs = (binary: string): string => `RELEASE="${binary}" exec "${binary}" "${SERVER}"`

describe('socket-port run', () => {
  it('another Node for each generation under load: 0 failed', async () => {
    const releases = new Releases()
    releases.deploy(runs(process.execPath))
    const supervised = startSupervised({ command: [releases.server] })
    try {
      await supervised.printed(/generation 1 is ready/)
      const port = await supervised.port()
      const load = await startLoad({ target: { port }, method: 'mixed', connection: 'mixed' })
      for (const binary of [...MAJORS.map(nodeBinary), process.execPath]) {
        releases.deploy(runs(binary))
        expect((await supervised.ask('reload')).code).toBe(0)
        const who = await (await fetch(`http://127.0.0.1:${port}/who`)).json()
        expect(who).toMatchObject({ release: binary })
        await load.moreRequests(500)
      }
      const { failures, failed } = await load.stop()
      expect(failures).toEqual([])
      expect(failed).toBe(0)
    } finally {
      await supervised.dispose()
      releases.dispose()
    }
  })

  it.each(MAJORS)('the supervisor itself on Node %d', async (major) => {
    const supervised = startSupervised({
      command: [process.execPath, SERVER],
      execPath: nodeBinary(major),
    })
    try {
      await supervised.printed(/generation 1 is ready/)
      expect((await supervised.ask('reload')).code).toBe(0)
      supervised.generation.signal('SIGTERM')
      expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
    } finally {
      await supervised.dispose()
    }
  })
})
