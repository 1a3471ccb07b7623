import { fileURLToPath } from 'node:url'
import { type Generation, startGeneration } from '@socket-port/testkit'

const FIXTURES = new URL('../../fixtures/', import.meta.url)
const RESOLVE_OLDER = new URL('../../../../test/fixtures/frameworks/older.mjs', import.meta.url)

/** A process that runs a fixture on the NestJS that the test is for. */
export function startChild(fixture: string, env: Record<string, string>): Generation {
  const { OLDER } = process.env
  const hooks = OLDER === undefined ? [] : ['--import', RESOLVE_OLDER.href]
  return startGeneration({
    command: [process.execPath, ...hooks, fileURLToPath(new URL(fixture, FIXTURES))],
    env: { ...(OLDER !== undefined && { OLDER }), ...env },
  })
}
