import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InheritedSocket, ListenOptions } from '@socket-port/core'
import { startGeneration } from '@socket-port/testkit/generation'
import { openListener } from '@socket-port/testkit/native'
import { ODD_KINDS, openSocket } from '@socket-port/testkit/odd-fds'
import { endProcesses } from '@socket-port/testkit/processes'
import type { OpenFd } from '@socket-port/testkit/sockets'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixture } from '../inherit/report.ts'
import { type EnvironmentCase, environmentCase, forSeeds, OWN } from './cases.ts'

let directory: string
let sockets: (OpenFd & { port?: number; path?: string })[]

/** Opens what becomes fd 3 and up: sockets that listen among everything that does not. */
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  const path = join(directory, 'app.sock')
  const odd = ODD_KINDS.map(openSocket)
  const tcp = [openListener({ host: '127.0.0.1' }), openListener()]
  sockets = [...odd.slice(0, 2), ...tcp, ...odd.slice(2), openListener({ path })]
})

afterEach(async () => {
  await endProcesses()
  for (const { close } of sockets) close()
  rmSync(directory, { recursive: true })
})

interface Case {
  env: Record<string, string>
  /** Nothing where sockets are only looked at. */
  target: ListenOptions | undefined
}

interface Result {
  outcome: string
  /** Those of LISTEN_FDS that are left. */
  variables: string[]
  sockets: InheritedSocket[]
  /** All descriptors before and after, if they differ. */
  changed: string[]
}

/** Runs the cases one after the other in one process that has all the sockets. */
async function run(cases: readonly Case[], flags: readonly string[]): Promise<Result[]> {
  const file = join(directory, 'cases.json')
  writeFileSync(file, JSON.stringify(cases))
  const command = [process.execPath, ...flags, fixture('core-fuzz.mjs')]
  const child = startGeneration({ command, sockets, env: { CASES: file } })
  const { results } = (await child.ready()) as unknown as { results: Result[] }
  expect(await child.exit).toMatchObject({ code: 0 })
  expect(child.stderr).toBe('')
  return results
}

const MAY_FAIL = ['ERR_SOCKET_PORT_NOT_INHERITED', 'ERR_SOCKET_PORT_AMBIGUOUS']

describe('many environments of one process', () => {
  it.each([
    { how: 'native', flags: [], count: 300, outcomes: ['[object Object]', ...MAY_FAIL] },
    // Without native code a socket is gone once it was served and closed: it is only looked at.
    { how: 'plain', flags: ['--no-addons'], count: 60, outcomes: ['skipped'] },
  ])('leave each descriptor as it was, seen the $how way', async ({ flags, count, outcomes }) => {
    const listening = sockets.filter(({ port, path }) => (port ?? path) !== undefined)
    const targets = listening.map(({ port, path }): Case['target'] =>
      flags.length > 0 ? undefined : { ...(path ? { path } : { port }), inherit: 'require' },
    )
    // A socket that was served once is non-blocking for all who have it: known, and done first.
    const env = { LISTEN_FDS: String(sockets.length), LISTEN_PID: OWN }
    const cases = targets.map((target): Case => ({ env, target }))
    const examples: EnvironmentCase[] = []
    await forSeeds(count, (chance) => {
      const example = environmentCase(chance, { mostPassed: 2 * sockets.length, inodes: false })
      examples.push(example)
      cases.push({ env: example.env, target: chance.pick(targets) })
    })

    const results = await run(cases, flags)

    const [served] = outcomes
    const first = results.splice(0, targets.length)
    expect(first.map(({ outcome }) => outcome)).toEqual(targets.map(() => served))
    expect(results).toHaveLength(examples.length)
    for (const [index, result] of results.entries()) {
      const example = examples[index] as EnvironmentCase
      const end = example.expected === 'passed' ? 3 + example.count : 3
      const usable = result.sockets.filter(({ problem }) => problem === undefined)
      expect(result, JSON.stringify(example)).toMatchObject({ variables: [], changed: [] })
      expect(result.outcome).toBeOneOf(outcomes)
      expect(result.sockets.filter(({ fd, taken }) => taken || fd < 3 || fd >= end)).toEqual([])
      expect(usable.map(({ fd }) => sockets[fd - 3])).toEqual(
        listening.filter((socket) => 3 + sockets.indexOf(socket) < end),
      )
    }
    const often = results.filter(({ outcome }) => outcome === served)
    if (process.env.FUZZ_CASES === undefined) expect(often.length).toBeGreaterThan(count / 10)
  })
})
