// What works on every operating system, with the packages as they are published. It needs Node alone, and runs where
// they are installed: shipped/portable.test.ts does so, and the workflow ci.yml on macOS and Windows.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const onWindows = process.platform === 'win32'
const ask = async (port) => (await fetch(`http://localhost:${port}/`)).text()

test('a server is bound, answers, and drains', async () => {
  const { serve } = await import('@socket-port/core')
  const server = createServer((_request, response) => response.end('core'))
  const service = await serve(server, { port: 0, drain: { idleTimeout: 0 } })
  assert.equal(service.source, 'bound')
  assert.equal(await ask(service.port), 'core')
  assert.equal((await service.close()).graceful, true)
})

test('a cold start loads no native code', async () => {
  const { listen } = await import('@socket-port/core')
  const server = await listen(0)
  const { sharedObjects } = process.report.getReport()
  assert.deepEqual(
    sharedObjects.filter((path) => /koffi/.test(path)),
    [],
  )
  server.close()
})

test('CommonJS gets the same module', async () => {
  const required = createRequire(import.meta.url)('@socket-port/core')
  assert.equal(required.serve, (await import('@socket-port/core')).serve)
})

test('Express, Koa and Fastify listen', async () => {
  const { default: express } = await import('@socket-port/express')
  const { default: Koa } = await import('@socket-port/koa')
  const { default: Fastify } = await import('fastify')
  const { default: socketPort } = await import('@socket-port/fastify')

  const expressApp = express().get('/', (_request, response) => response.send('express'))
  const koaApp = new Koa().use((context) => {
    context.body = 'koa'
  })
  for (const [name, app] of Object.entries({ express: expressApp, koa: koaApp })) {
    const server = app.listen(0)
    await once(server, 'listening')
    assert.equal(await ask(server.address().port), name)
    server.close()
    server.closeAllConnections()
  }

  const fastify = Fastify()
  await fastify.register(socketPort)
  fastify.get('/', () => 'fastify')
  await fastify.listen({ port: 0 })
  assert.equal(await ask(fastify.server.address().port), 'fastify')
  await fastify.close()
})

test('the command tells its version', async () => {
  const manifest = createRequire(import.meta.url).resolve('socket-port/package.json')
  const main = join(dirname(manifest), 'dist/main.js')
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--version'])
  assert.equal(stdout.trim(), JSON.parse(readFileSync(manifest)).version)
})

test('a program that knows nothing is preloaded, answers, and ends in order', async () => {
  const port = await freePort()
  writeFileSync(
    'plain.mjs',
    `import { createServer } from 'node:http'
    const server = createServer((_request, response) => response.end('plain'))
    server.listen(${port}, () => console.log('listens'))`,
  )
  const child = spawn(process.execPath, ['--import', '@socket-port/core/register', 'plain.mjs'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  await once(child.stdout, 'data')
  assert.equal(await ask(port), 'plain')
  // On Windows no signal can be caught: it ends the process.
  child.kill('SIGTERM')
  assert.deepEqual(await exit, onWindows ? [null, 'SIGTERM'] : [0, null])
})

// The preload leaves a server on port 0 to Node.
async function freePort() {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
