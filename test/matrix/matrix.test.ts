import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, describe, expect, it } from 'vitest'
import { MAJORS, nodeBinary } from '../src/nodes.ts'
import { CASES, expectNothingLost, MODES, restartCase } from '../suites/load/restart-cases.ts'

const run = promisify(execFile)
const core = fileURLToPath(new URL('../../packages/core/', import.meta.url))

afterEach(endProcesses)

// SOCKET_PORT_RESTARTS=100 makes a soak of it.
const restarts = Number(process.env.SOCKET_PORT_RESTARTS ?? 3)

describe.each(MAJORS)('Node %d', (major) => {
  const execPath = nodeBinary(major)

  it('is that Node', async () => {
    const { stdout } = await run(execPath, ['--version'])
    expect(stdout).toMatch(new RegExp(`^v${major}\\.`))
  })

  it("passes core's own tests", async () => {
    const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
    const args = [vitest, 'run', '--reporter=json', 'src/']
    // It exits with 1 where a test has failed, and says in its report which.
    const { stdout } = await run(execPath, args, { cwd: core }).catch((error) => error)
    const report: Report = JSON.parse(stdout.slice(stdout.indexOf('{')))
    const failed = report.testResults.flatMap(({ name, message, assertionResults }) => [
      ...(message ? [`${name}: ${message}`] : []),
      ...assertionResults.flatMap(({ fullName, failureMessages }) =>
        failureMessages.map((failure) => `${fullName}: ${failure}`),
      ),
    ])
    expect(failed).toEqual([])
    expect(report.numPassedTests).toBeGreaterThan(500)
  })

  describe.each(MODES)('restarts, %s', (mode) => {
    it.each(CASES)('$name: 0 failed', async (restart) => {
      expectNothingLost(await restartCase(restart, { mode, restarts, execPath }))
    })

    it('20 idle connections beside: 0 failed', async () => {
      const restart = { name: 'idle', load: { think: [0, 20] as const, rtt: 20 }, idleClients: 20 }
      expectNothingLost(await restartCase(restart, { mode, restarts: 1, execPath }))
    })
  })
})

/** What vitest's JSON reporter writes, as far as it is read here. */
interface Report {
  numPassedTests: number
  testResults: {
    name: string
    message: string
    assertionResults: { fullName: string; failureMessages: string[] }[]
  }[]
}
