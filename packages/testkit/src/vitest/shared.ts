import { appendFileSync } from 'node:fs'
import type { Reporter, TestModule, TestUserConfig } from 'vitest/node'

/** Adds the run's counts to the file SOCKET_PORT_TALLY names, tells what was skipped, allows none in CI. */
class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    const skipped = new Set<string>()
    for (const module of modules) {
      // What fails while it is collected, or in a hook, has no test to count.
      for (const suite of [module, ...module.children.allSuites()]) {
        if (suite.errors().length > 0) count.failed++
      }
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        count[state]++
        const name = test.parent.type === 'suite' ? test.parent.fullName : test.name
        if (state === 'skipped') skipped.add(`${module.relativeModuleId}: ${name}`)
      }
    }
    const failed = count.failed + count.pending
    const file = process.env.SOCKET_PORT_TALLY
    if (file) appendFileSync(file, `${count.passed} ${failed} ${count.skipped}\n`)
    if (skipped.size === 0) return
    console.error(['Not run:', ...skipped].join('\n  '))
    if (process.env.CI) process.exitCode = 1
  }
}

/** What every package's vitest config has in common. */
export const shared: TestUserConfig = {
  reporters: ['default', new Tally()],
  allowOnly: !process.env.CI,
  // The default leaves one core to vitest itself, which only waits: on two cores it runs one file at a time.
  maxWorkers: '100%',
}
