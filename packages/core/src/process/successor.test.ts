import { once } from 'node:events'
import { createServer } from 'node:http'
import { RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { DrainOptions } from '../base/types.ts'
import { createDrain } from '../drain/drain.ts'
import { inheritedSockets } from '../listen/inherited-sockets.ts'
import { attach } from '../service/attach.ts'
import { resolveServe } from '../service/options.ts'
import { serve } from '../service/serve.ts'
import { claimSuccessor, generationsOverlap, nextServes, successorRuns } from './successor.ts'

afterEach(() => {
  for (const name of ['environment', 'successor', 'inherited-sockets']) {
    Reflect.deleteProperty(globalThis, Symbol.for(`@socket-port/core/${name}/1`))
  }
  delete process.env.SOCKET_PORT_SUCCESSOR
})

describe('SOCKET_PORT_SUCCESSOR', () => {
  it.each([
    [undefined, false],
    ['running', true],
    ['after-exit', false],
    ['garbage', false],
  ])('%s: the successor runs: %s', (value, runs) => {
    if (value !== undefined) process.env.SOCKET_PORT_SUCCESSOR = value
    expect(successorRuns()).toBe(runs)
    // The question has claimed nothing.
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBe(value)
    claimSuccessor()
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
    expect(successorRuns()).toBe(runs)
  })

  it('is claimed together with LISTEN_FDS, and remembered', () => {
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    inheritedSockets()
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
    expect(successorRuns()).toBe(true)
  })

  it.each<[string, () => unknown]>([
    ['createDrain', () => createDrain(createServer())],
    ['attach', () => attach(createServer())],
    [
      'serve',
      () => serve(createServer(), { port: 0, signal: AbortSignal.abort() }).catch(() => {}),
    ],
  ])('is gone after %s, and remembered', async (_, call) => {
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    await call()
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
    expect(successorRuns()).toBe(true)
  })

  it('stays when options are only checked', () => {
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    resolveServe({ port: 0 })
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBe('running')
  })

  it('counts under a supervisor with a channel only after its message', () => {
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    vi.stubEnv('SOCKET_PORT_CHANNEL', '3,4')
    expect([generationsOverlap(), successorRuns()]).toEqual([true, false])
    nextServes()
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
    expect([generationsOverlap(), successorRuns()]).toEqual([true, true])
    vi.unstubAllEnvs()
  })
})

describe('a drain of a server with a silent connection', () => {
  /** Whether it goes on accepting. */
  async function accepts(options: DrainOptions, beforeDrain = (): void => {}): Promise<boolean> {
    const server = createServer()
    const drain = createDrain(server, options)
    expect(process.env.SOCKET_PORT_SUCCESSOR).toBeUndefined()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await Promise.all([once(server, 'connection'), RawConnection.open(port)])
    onTestFinished(() => drain.force())
    beforeDrain()
    void drain.start()
    return server.listening
  }

  it.each<[string, string | undefined, DrainOptions, boolean]>([
    ['without a variable', undefined, {}, true],
    ['not where the next process serves already', 'running', {}, false],
    ['where the program says otherwise', 'running', { successor: 'after-exit' }, true],
    ['not where the program says so', undefined, { successor: 'running' }, false],
  ])('goes on accepting %s', async (_, variable, options, expected) => {
    if (variable !== undefined) process.env.SOCKET_PORT_SUCCESSOR = variable
    expect(await accepts(options)).toBe(expected)
  })

  it.each([
    ['goes on accepting where the signal does not come from the supervisor', () => {}, true],
    ['stops after the message that the next process serves', nextServes, false],
  ])('%s', async (_, beforeDrain, expected) => {
    process.env.SOCKET_PORT_SUCCESSOR = 'running'
    vi.stubEnv('SOCKET_PORT_CHANNEL', '3,4')
    expect(await accepts({}, beforeDrain)).toBe(expected)
    vi.unstubAllEnvs()
  })
})
