import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { StrictEventStream } from '@socket-port/testkit/strict-event-stream'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { describe, expect, it } from 'vitest'
import { MAJORS, nodeBinary } from '../src/nodes.ts'
import { describeHandover, expectNothingNoticed, SERVER } from '../suites/handover/box.ts'

const run = promisify(execFile)
const folder = fileURLToPath(new URL('../', import.meta.url))

const CLIENTS = 50

// Each of them must read what each of the others has written, and its sockets.
const nodes = [process.execPath, ...MAJORS.map(nodeBinary)]
const pairs = nodes.flatMap((from) => nodes.map((to) => [from, to] as const))

await describeHandover('connections handed over', (box) => {
  it.each([
    ['saturating', { clients: CLIENTS }],
    ['with pauses', { clients: CLIENTS, method: 'mixed', rtt: 20, think: [0, 20] }],
  ] as const)('from each Node to each, %s: 0 failed, 0 closed', async (_, options) => {
    const command = (node: string) => ({ command: [node, SERVER].map(pathInBox) })
    const app = await box.start(command(nodes[0] ?? ''))
    const load = await app.load(options)
    for (const [from, to] of pairs) {
      for (const node of [from, to]) {
        await app.install(command(node))
        await app.restart()
        await load.oneRequestEach()
      }
    }
    expectNothingNoticed(await load.stop(), CLIENTS)
    expect(await app.log()).not.toMatch(/warning|error/i)
  })
})

const STREAMS = 10
const STREAM_SERVER = fileURLToPath(new URL('../fixtures/event-streams.mjs', import.meta.url))

await describeHandover('event streams with attachments', (box) => {
  it('go from each Node to each: none is closed, and no event is lost or sent twice', async () => {
    const command = (node: string) => ({ command: [node, STREAM_SERVER].map(pathInBox) })
    const app = await box.start(command(nodes[0] ?? ''))
    const open = Array.from({ length: STREAMS }, () => StrictEventStream.open(app.port, '/'))
    const clients = await Promise.all(open)
    let processes = 1
    for (const node of pairs.flat()) {
      await app.install(command(node))
      await app.restart()
      processes += 1
      await Promise.all(clients.map((client) => client.heard(processes)))
    }
    expect(clients.flatMap(({ faults }) => faults)).toEqual([])
    expect(await app.log()).not.toMatch(/warning|error/i)
    for (const client of clients) client.close()
  })
})

describe.each(MAJORS)('Node %d', (major) => {
  it('passes the suites of the hand-over', async () => {
    const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
    const suites = ['mixed', 'promises', 'safety'].map((name) => `suites/handover/${name}.test.ts`)
    const config = ['--config', 'vitest.systemd.config.ts']
    const args = [vitest, 'run', '--reporter=json', ...config, ...suites]
    // Which systemd it is makes no difference to Node.
    const env = { ...process.env, SOCKET_PORT_RELEASES: 'host' }
    const ran = run(nodeBinary(major), args, { cwd: folder, env })
    const { stdout } = await ran.catch((error) => error)
    const { success, numPassedTests, testResults } = JSON.parse(stdout.slice(stdout.indexOf('{"')))
    expect({ success, failed: success ? [] : testResults }).toEqual({ success: true, failed: [] })
    expect(numPassedTests).toBeGreaterThan(30)
  }, 600_000)
})
