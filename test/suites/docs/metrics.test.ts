import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { transformSync } from 'esbuild'
import { afterAll, afterEach, expect, onTestFinished, test } from 'vitest'
import { readRoot } from '../../src/docs/documents.ts'
import { tables } from '../../src/docs/markdown.ts'
import { type Program, programsOf } from '../../src/docs/programs.ts'
import { Project } from '../../src/docs/project.ts'

const PAGE = 'docs/metrics.md'
const [promClient, openTelemetry] = programsOf(PAGE) as [Program, Program]
const project = new Project()
afterAll(() => project.remove())
afterEach(endProcesses)

/** Starts a program of the page, and waits until it is told that its server listens. */
async function start(program: Program, drain: object = {}): Promise<[Generation, port: number]> {
  const port = freePort()
  const options = JSON.stringify({ port, drain })
  const source = `${program.code.replace('8080', options)}\nconsole.log('listens')\n`
  const { code } = transformSync(source, { loader: 'ts', format: 'esm', target: 'es2023' })
  const script = project.write(`${program.name}-metrics.mjs`, code)
  const generation = startGeneration({ script, cwd: project.dir })
  onTestFinished(() => generation.dispose())
  await generation.printed(/^listens$/m)
  return [generation, port]
}

async function connect(port: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port)
  onTestFinished(() => connection.close())
  return connection
}

test('the channels of the page are those of the source', () => {
  const source = readRoot('packages/core/src/base/channels.ts')
  const published = [...source.matchAll(/channel\('([^']+)'\)/g)].map(([, name]) => `\`${name}\``)
  const [, ...rows] = tables(readRoot(PAGE)).find(([head]) => head?.[0] === 'channel') ?? []
  expect(rows.map(([name]) => name).toSorted()).toEqual(published.toSorted())
})

test('with prom-client a program answers how it has started, and that it drains', async () => {
  const [generation, port] = await start(promClient)
  // It holds the drain, because a request has begun.
  const held = await connect(port)
  held.send(get('/'))
  await held.receive(/hello\n$/)
  held.send('GET / HTTP/1.1\r\n')
  // Each on a connection of its own: the drain may close one that is idle.
  const scrape = async (): Promise<string> => {
    const asked = request({ port, path: '/metrics', agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return text(response)
  }
  const before = await scrape()
  expect(before).toMatch(/^app_ready_seconds (?!0$)[\d.]+$/m)
  expect(before).toMatch(/^app_connections_received_total 0$/m)
  expect(before).toMatch(/^app_draining 0$/m)
  generation.signal('SIGTERM')
  // No event announces to a client that the drain has begun.
  while (!/^app_draining 1$/m.test(await scrape())) {}
  held.send('Host: a\r\n\r\n')
  await held.receive(/hello\n$/)
  expect(await generation.exit).toMatchObject({ code: 0 })
  expect(generation.stderr).toBe('')
})

test('with OpenTelemetry the counts of the drain are sent before the process ends', async () => {
  const [generation, port] = await start(openTelemetry, { idleTimeout: 100 })
  const idle = await connect(port)
  idle.send(get('/'))
  await idle.receive(/hello\n$/)
  generation.signal('SIGTERM')
  expect(await generation.exit).toMatchObject({ code: 0 })
  const { stdout, stderr } = generation
  expect(stderr).toBe('')
  expect(stdout).toMatch(/name: 'socket_port\.drain\.duration'/)
  const closed = /attributes: \{ kind: 'idle', outcome: 'closed' \},(?:.|\n)*?value: (\d+)/
  expect(closed.exec(stdout)?.[1]).toBe('1')
})
