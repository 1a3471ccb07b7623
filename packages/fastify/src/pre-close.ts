import type { FastifyInstance } from 'fastify'
import { type PreCloseHook, takePreCloseHooks } from './fastify-internals.ts'

/**
 * Runs the preClose hooks one after the other. They end what keeps connections open, such as WebSockets and event streams.
 * Fastify does not run them again. Rejects with the first error, when all have run.
 */
export async function runPreCloseHooks(fastify: FastifyInstance): Promise<void> {
  const errors: unknown[] = []
  for (const hook of takePreCloseHooks(fastify)) {
    await run(hook).catch((error) => errors.push(error))
  }
  if (errors.length > 0) throw errors[0]
}

// A hook with a parameter calls it when it has ended. Any other hook may return a promise (Fastify's lib/hooks.js,
// hookRunnerApplication).
function run({ instance, run }: PreCloseHook): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => (error ? reject(error) : resolve(undefined))
    const result = run.length === 1 ? run.call(instance, done) : run.call(instance)
    if (run.length !== 1) resolve(result)
  })
}
