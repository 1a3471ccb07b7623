import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Reporter, TestModule, TestUserConfig } from 'vitest/node'

/** Adds the counts to the file in SOCKET_PORT_TALLY, lists the skipped suites, and fails in CI if there are any. */
class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    const skipped = new Set<string>()
    for (const module of modules) {
      // An error outside of a test, such as one in a hook, is not in the result of any test.
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

const LOAD_CORE = fileURLToPath(new URL('./load-core.js', import.meta.url))

/** What every package's vitest config has in common. Projects in a config do not get `setupFiles` from it by themselves. */
export const shared: TestUserConfig = {
  reporters: ['default', new Tally()],
  allowOnly: !process.env.CI,
  // By default vitest leaves one core free for itself. On two cores it would then run one file at a time.
  maxWorkers: '100%',
  setupFiles: [LOAD_CORE],
  // The first hook of a file loads core: on a busy machine that took longer than the 10 s of the default.
  hookTimeout: 30_000,
}
