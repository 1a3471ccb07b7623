// A framework under test: FRAMEWORK HOW (with our package, or without).
import type { AddressInfo } from 'node:net'
import { type Framework, loadFramework } from '../frameworks/index.ts'
import { tell } from './probe.ts'

const [framework, how] = process.argv.slice(2) as [Framework, string]
const managed = how === 'with'
// As it is deployed. They read it when they are loaded.
process.env.NODE_ENV = 'production'

let requests = 0
const start = await loadFramework(framework)
const server = await start(managed, () => {
  requests += 1
  return 'hello\n'
})
// What is managed drains on SIGTERM, and nothing else does here: the variants are what they say.
if (process.listenerCount('SIGTERM') > 0 !== managed) {
  throw new Error(`${framework} ${how} our package does not end as it should`)
}
// Idle connections must outlive the measurement.
server.keepAliveTimeout = 600_000
tell((server.address() as AddressInfo).port, () => requests)
