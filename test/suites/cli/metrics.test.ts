import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { openListener } from '@socket-port/testkit'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import type { Supervised } from '@socket-port/testkit/supervised'
import { describe, expect, it } from 'vitest'
import {
  afterTest,
  expectNothingLost,
  expectStops,
  fixture,
  newReleases,
  pidsOf,
  SERVER,
  start,
  supervise,
  underLoad,
  untilDrained,
} from './supervising.ts'

const ARGS = ['--listen', '127.0.0.1:0', '--metrics']
const TEXT = { accept: 'text/plain' }

/** Starts `run` with metrics at a free port, and returns a function that reads the value of each. */
async function measured(
  options: Parameters<typeof start>[0] & { more?: readonly string[] } = {},
): Promise<[Supervised, () => Promise<Map<string, number>>]> {
  const { more = [], ...rest } = options
  const supervised = await start({ args: [...ARGS, '127.0.0.1:0', ...more], ...rest })
  const [, port] = await supervised.printed(/answers GET \/metrics on 127\.0\.0\.1:(\d+)/)
  const url = `http://127.0.0.1:${port}/metrics`
  return [supervised, async () => valuesOf(await (await fetch(url, { headers: TEXT })).text())]
}

const valuesOf = (exposition: string): Map<string, number> =>
  new Map(
    [...exposition.matchAll(/^([a-z]\S*) (\S+)$/gm)].map(([, name = '', n]) => [name, Number(n)]),
  )

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'socket-port-metrics-'))
  afterTest(() => rmSync(directory, { recursive: true }))
  return directory
}

describe('run --metrics', () => {
  it('counts the connections and the reloads of all generations', async () => {
    // A reload may take longer than the five seconds for which Node keeps an idle connection.
    const command = [process.execPath, fixture('core-serve.mjs')]
    const [supervised, read] = await measured({ command, env: { KEEP_ALIVE: '75000' } })
    const port = await supervised.port()
    const client = await RawConnection.open(port)
    afterTest(() => client.close())
    for (let reload = 1; reload <= 3; reload += 1) {
      client.send(get('/'))
      await client.receive(/200 OK(.|\r|\n)*\r\n\r\n$/)
      expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
      await untilDrained(supervised)
      await supervised.until(({ connections }) => connections.received === reload)
    }
    const values = await read()
    expect(Object.fromEntries(values)).toMatchObject({
      socket_port_generation: 4,
      socket_port_generations_total: 4,
      socket_port_reloads_total: 3,
      socket_port_last_reload_successful: 1,
      socket_port_ready_seconds_count: 4,
      socket_port_drain_seconds_count: 3,
      'socket_port_processes{state="ready"}': 1,
      'socket_port_processes{state="draining"}': 0,
      'socket_port_processes_ended_total{outcome="drained"}': 3,
      'socket_port_connections_handed_over_total{kind="idle"}': 3,
      'socket_port_connections_received_total{kind="idle"}': 3,
      'socket_port_connections_cut_total{kind="other"}': 0,
    })
    await expectStops(supervised)
  })

  it('is answered during reloads of several workers under load, and never counts down', async () => {
    const [supervised, read] = await measured({ more: ['--workers', '2'] })
    const seen: Map<string, number>[] = [await read()]
    const result = await underLoad(await supervised.port(), async (load) => {
      for (let reload = 0; reload < 2; reload += 1) {
        let running = true
        const reloaded = supervised.ask('reload').finally(() => {
          running = false
        })
        while (running) seen.push(await read())
        expect(await reloaded).toMatchObject({ code: 0 })
        await load.oneRequestEach()
      }
    })
    expectNothingLost(result)
    await untilDrained(supervised)
    seen.push(await read())
    const counters = [...(seen[0] as Map<string, number>).keys()].filter((name) =>
      /_(total|count|bucket)\b/.test(name),
    )
    for (const name of counters) {
      const values = seen.map((values) => values.get(name) ?? Number.NaN)
      expect(values, name).toEqual(values.toSorted((a, b) => a - b))
    }
    expect(Object.fromEntries(seen.at(-1) ?? [])).toMatchObject({
      socket_port_workers: 2,
      'socket_port_worker_up{worker="1"}': 1,
      'socket_port_worker_up{worker="2"}': 1,
      socket_port_reloads_total: 2,
      socket_port_ready_seconds_count: 6,
      'socket_port_processes_ended_total{outcome="drained"}': 4,
    })
    await expectStops(supervised)
  })

  it('counts a failed reload by its reason, and a process that crashed', async () => {
    const releases = newReleases()
    const serve = `exec ${process.execPath} ${SERVER}`
    releases.deploy(serve)
    const [supervised, read] = await measured({ command: [releases.server] })
    releases.deploy('exit 3')
    expect(await supervised.ask('reload')).toMatchObject({ code: 1 })
    releases.deploy(undefined)
    expect(await supervised.ask('reload')).toMatchObject({ code: 1 })
    releases.deploy(serve)
    const [pid = 0] = await pidsOf(supervised)
    process.kill(pid, 'SIGKILL')
    await supervised.printed(/stopped unexpectedly(.|\n)*is ready/)
    expect(Object.fromEntries(await read())).toMatchObject({
      socket_port_generation: 1,
      socket_port_reloads_total: 2,
      'socket_port_reload_failures_total{reason="ended"}': 1,
      'socket_port_reload_failures_total{reason="not-found"}': 1,
      socket_port_last_reload_successful: 0,
      socket_port_restarts_total: 1,
      // The one that was killed, and the two that did not start.
      'socket_port_processes_ended_total{outcome="crashed"}': 3,
    })
    await expectStops(supervised)
  })

  it('answers on a unix socket, which is gone afterwards', async () => {
    const path = join(temporary(), 'metrics.sock')
    const args = [...ARGS, `unix:${path}`, '--mode', '600']
    const supervised = await start({ args })
    await supervised.printed(new RegExp(`answers GET /metrics on unix:${path}`))
    const asked = request({ socketPath: path, path: '/metrics', agent: false }).end()
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve).once('error', reject)
    })
    expect(response.headers['content-type']).toMatch(/^application\/openmetrics-text;/)
    expect(await text(response)).toMatch(/^socket_port_generation 1\n(.|\n)*# EOF\n$/m)
    await expectStops(supervised)
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('tells what it answers', async () => {
    const [supervised] = await measured()
    const [, port] = await supervised.printed(/answers GET \/metrics on 127\.0\.0\.1:(\d+)/)
    const ask = async (path: string, method = 'GET'): Promise<unknown[]> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
      return [response.status, (await response.text()).length > 0, response.headers.get('allow')]
    }
    expect(await ask('/metrics?x=1')).toEqual([200, true, null])
    expect(await ask('/metrics', 'HEAD')).toEqual([200, false, null])
    expect(await ask('/metrics', 'POST')).toEqual([405, true, 'GET, HEAD'])
    expect(await ask('/')).toEqual([404, true, null])
    await expectStops(supervised)
  })

  it('ends with 4 where the address is in use, before it has started anything', async () => {
    const listener = openListener({ host: '127.0.0.1' })
    afterTest(listener.close)
    const args = [...ARGS, `127.0.0.1:${listener.port}`]
    const { generation } = supervise({ args })
    expect(await generation.exit).toMatchObject({ code: 4 })
    expect(generation.stdout).toMatch(
      /^socket-port: error: --metrics: cannot listen on port \d+ on 127\.0\.0\.1 \(EADDRINUSE\)/,
    )
    expect(generation.stdout).not.toContain('is ready')
  })
})

describe('what --metrics needs', () => {
  /** Starts `run`, and returns the modules that it has loaded, and how many sockets it listens on. */
  async function loadedBy(...args: string[]): Promise<[modules: string[], listening: number]> {
    const NODE_V8_COVERAGE = temporary()
    const supervised = await start({ args, env: { NODE_V8_COVERAGE } })
    const listening = listeningTcp(supervised.pid)
    await expectStops(supervised)
    const [file = ''] = readdirSync(NODE_V8_COVERAGE).filter((name) =>
      name.startsWith(`coverage-${supervised.pid}-`),
    )
    const { result } = JSON.parse(readFileSync(join(NODE_V8_COVERAGE, file), 'utf8')) as {
      result: { url: string }[]
    }
    return [result.map(({ url }) => url), listening]
  }

  const isOfMetrics = (url: string): boolean => /\/prom-client\/|\/open-metrics\.js$/.test(url)

  it('is not loaded without it, and nothing listens', async () => {
    const [modules, listening] = await loadedBy('--listen', '127.0.0.1:0')
    expect(modules.some((url) => url.endsWith('/run.js'))).toBe(true)
    expect(modules.filter(isOfMetrics)).toEqual([])
    expect(listening).toBe(1)
  })

  it('negative control: is loaded with it', async () => {
    const [modules, listening] = await loadedBy(...ARGS, '127.0.0.1:0')
    expect(modules.filter(isOfMetrics).length).toBeGreaterThan(4)
    // Its index would load much more.
    expect(modules.filter((url) => /prom-client\/index|opentelemetry|tdigest/.test(url))).toEqual(
      [],
    )
    expect(listening).toBe(2)
  })
})

/** How many sockets of TCP the process listens on. */
function listeningTcp(pid: number): number {
  const inodes = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return []
    }
  })
  const LISTEN = '0A'
  const tables = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1),
  )
  const rows = tables.map((row) => row.trim().split(/\s+/))
  return rows.filter((row) => row[3] === LISTEN && inodes.includes(row[9] ?? '')).length
}
