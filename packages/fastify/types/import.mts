// What a program writes with Fastify's own types, and the plugin registered.
import socketPort, { socketPort as named, type SocketPortOptions } from '@socket-port/fastify'
import Fastify, { type FastifyBaseLogger, type FastifyPluginAsync } from 'fastify'

const app = Fastify({ logger: true })
await app.register(socketPort)
await app.register(named, {})
await app.register(socketPort, {
  drain: { timeout: 10_000, idleTimeout: undefined },
  inherit: 'require',
  name: 'web',
  logger: console,
  prefix: '/ignored',
})
app.register(import('@socket-port/fastify'), { exit: false })
const address: string = await app.listen({ port: 8080 })
app.listen({ port: 8080 }, (error: Error | null, at: string) => void [error, at])

const state: 'ready' | 'draining' | 'closed' | undefined = app.socketPort?.state
const signal: AbortSignal | undefined = app.socketPort?.signal
app.get('/ready', async (request, reply) => {
  const ready = request.server.socketPort?.state === 'ready'
  return reply.code(ready ? 200 : 503).send({ ready, address })
})

await Fastify({ https: {} }).register(socketPort, { signals: ['SIGTERM'] })
await Fastify({ http2: true }).register(socketPort, { signals: false })
await Fastify({ http2: true, https: {} }).register(socketPort)
await Fastify({ loggerInstance: console as unknown as FastifyBaseLogger }).register(socketPort)

const plugin: FastifyPluginAsync<SocketPortOptions> = socketPort
const options: SocketPortOptions = { killPort: process.env.NODE_ENV === 'development' }

// @ts-expect-error: no such option
await app.register(socketPort, { drian: {} })
// @ts-expect-error: the port goes to listen
await app.register(socketPort, { port: 8080 })
// @ts-expect-error: a string is no duration
await app.register(socketPort, { drain: { timeout: '25s' } })
// @ts-expect-error: it belongs to the plugin
app.socketPort = undefined

export { options, plugin, signal, state }
