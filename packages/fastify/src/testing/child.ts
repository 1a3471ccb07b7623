import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Generation, startGeneration } from '@socket-port/testkit'

const FIXTURE = fileURLToPath(new URL('../../fixtures/app.mjs', import.meta.url))

export interface Variables {
  /** The release of Fastify. */
  RELEASE: string
  [name: string]: unknown
}

/** The fixture application in a process of its own. The sockets are passed to it (sd_listen_fds(3)). */
export function startChild({ RELEASE, ...others }: Variables, sockets: Server[] = []): Generation {
  const values = Object.entries(others).map(([name, value]) => [name, JSON.stringify(value)])
  return startGeneration({
    script: FIXTURE,
    env: { RELEASE, ...Object.fromEntries(values) },
    sockets: sockets.map((server) => ({ fd: fdOf(server) })),
  })
}

/** The lines of JSON that the process has printed, in order. */
export const linesOf = ({ stdout }: Generation): Record<string, unknown>[] =>
  stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))

/** The first line of JSON that has the key. */
export async function lineWith(child: Generation, key: string): Promise<Record<string, unknown>> {
  const [line] = await child.printed(new RegExp(`^.*"${key}":.*(?=\\n)`, 'm'))
  return JSON.parse(line)
}

const fdOf = (server: Server): number =>
  (server as unknown as { _handle: { fd: number } })._handle.fd
