import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll } from 'vitest'

/** What it uses of core. */
interface Core {
  createDrain(server: Server, options: { delay: number }): { start(): Promise<unknown> }
}

/**
 * A setup file for tests that import the built core: they begin when core has loaded the code of its drain. By itself
 * core loads it when the first server listens. Responses in the milliseconds until then promise keep-alive, also
 * if the server drains already.
 */
beforeAll(async () => {
  // The core of the package under test: the testkit must not depend on core.
  const path = createRequire(join(process.cwd(), 'package.json')).resolve('@socket-port/core')
  const { createDrain }: Core = await import(/* @vite-ignore */ pathToFileURL(path).href)
  const server = createServer()
  // With a delay the drain loads its code also where the server has no connection.
  const drain = createDrain(server, { delay: 1 })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  await drain.start()
})
