// Arguments: FRAMEWORK HOW. Runs a framework, `with` the package of socket-port or `without` it.
import type { AddressInfo } from 'node:net'
import { type Framework, loadFramework } from '../frameworks/index.ts'
import { KEEP_ALIVE } from './keep-alive.ts'
import { tell } from './probe.ts'

const [framework, how] = process.argv.slice(2) as [Framework, string]
const attached = how === 'with'
// Set as in production. Frameworks read it when they are loaded.
process.env.NODE_ENV = 'production'

let requests = 0
const start = await loadFramework(framework)
const server = await start(attached, () => {
  requests += 1
  return 'hello\n'
})
// Check that the variant is what it claims to be: with socket-port, and only then, the process listens for SIGTERM.
if (process.listenerCount('SIGTERM') > 0 !== attached) {
  throw new Error(
    `${framework} ${how} socket-port must ${attached ? '' : 'not '}listen for SIGTERM`,
  )
}
server.keepAliveTimeout = KEEP_ALIVE
tell((server.address() as AddressInfo).port, () => requests)
