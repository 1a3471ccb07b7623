import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { MAJORS, nodeBinary } from '../src/nodes.ts'
import { describeHandover, expectNothingNoticed, SERVER } from '../suites/handover/box.ts'
import { by, NODES, restartBy } from './every-pair.ts'

const run = promisify(execFile)
const folder = fileURLToPath(new URL('../', import.meta.url))

const CLIENTS = 50

await describeHandover('connections handed over', (box) => {
  it.each([
    ['saturating', { clients: CLIENTS }],
    ['with pauses', { clients: CLIENTS, method: 'mixed', rtt: 20, think: [0, 20] }],
  ] as const)('from each Node to each, %s: 0 failed, 0 closed', async (_, options) => {
    const [first = '', ...others] = NODES
    const app = await box.start(by(first, SERVER))
    const load = await app.load(options)
    for (const node of others) {
      await restartBy(app, node, SERVER)
      await load.oneRequestEach()
    }
    expectNothingNoticed(await load.stop(), CLIENTS)
    expect(await app.log()).not.toMatch(/warning|error/i)
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
