import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { readRoot } from '../src/docs/documents.ts'
import { codeBlocks } from '../src/docs/markdown.ts'
import {
  afterTest,
  expectStops,
  fixture,
  newReleases,
  start,
  untilDrained,
} from '../suites/cli/supervising.ts'

const README = readRoot('packages/cli/README.md')
const RELOADS = 3
const TARGET = '127.0.0.1:9100'

/** A Prometheus that scrapes the port, as the README configures it, but ten times a second. */
class Prometheus {
  readonly #url: string

  private constructor(address: string) {
    this.#url = `http://${address}/api/v1`
  }

  static async start(metricsPort: number): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-prometheus-'))
    afterTest(() => rmSync(folder, { recursive: true }))
    const block = codeBlocks(README).find(({ language }) => language === 'yaml')
    const config = `global: { scrape_interval: 100ms }\n${block?.code ?? ''}`
    expect(config).toContain(TARGET)
    const file = join(folder, 'prometheus.yml')
    writeFileSync(file, config.replace(TARGET, `127.0.0.1:${metricsPort}`))
    const prometheus: Generation = startGeneration({
      // It writes its log to stderr.
      command: [
        'sh',
        '-c',
        'exec "$0" "$@" 2>&1',
        'prometheus',
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:0`,
      ],
    })
    afterTest(() => prometheus.dispose())
    const [, address = ''] = await prometheus.printed(/Listening on" address=(\S+:\d+)/)
    await prometheus.printed(/Server is ready to receive web requests/)
    return new Prometheus(address)
  }

  async api<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/${path}`)
    const { data } = (await response.json()) as { data: T }
    return data
  }

  /** The result of a query, by labels: a label that the target has given, and the value. */
  async query(query: string): Promise<Record<string, number>> {
    const { result } = await this.api<{
      result: { metric: Record<string, string>; value: [number, string] }[]
    }>(`query?query=${encodeURIComponent(query)}`)
    return Object.fromEntries(
      result.map(({ metric, value: [, value] }) => {
        const { __name__: _, instance: __, job: ___, ...labels } = metric
        return [Object.values(labels).join(' '), Number(value)]
      }),
    )
  }

  /** Asks until the query has this result: nothing announces that a scrape has taken place. */
  async until(query: string, expected: Record<string, number>): Promise<void> {
    for (;;) {
      const result = await this.query(query)
      if (JSON.stringify(result) === JSON.stringify(expected)) return
      await setTimeout(50)
    }
  }
}

describe(...requireOrSkip('Prometheus', commandSkipReason('promtool')), () => {
  it('finds the right numbers after reloads, and after one that failed', async () => {
    const releases = newReleases()
    releases.deploy(`exec ${process.execPath} ${fixture('core-serve.mjs')}`)
    const args = ['--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--workers', '2']
    // A reload may take longer than the five seconds for which Node keeps an idle connection.
    const env = { KEEP_ALIVE: '75000' }
    const supervised = await start({ args, command: [releases.server], env })
    const [, metricsPort = ''] = await supervised.printed(/GET \/metrics on \S+:(\d+)/)
    await supervised.printed(
      /generation 1, worker 1 is ready(.|\n)*generation 1, worker 2 is ready|generation 1, worker 2 is ready(.|\n)*generation 1, worker 1 is ready/,
    )
    const prometheus = await Prometheus.start(Number(metricsPort))
    await prometheus.until('up', { '': 1 })
    await prometheus.until('socket_port_generation', { '': 1 })

    const client = await RawConnection.open(await supervised.port())
    afterTest(() => client.close())
    for (let reload = 1; reload <= RELOADS; reload += 1) {
      client.send(get('/'))
      await client.receive(/200 OK(.|\r|\n)*\r\n\r\n$/)
      expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
      await untilDrained(supervised)
    }
    await prometheus.until('socket_port_reloads_total', { '': RELOADS })
    await prometheus.until('socket_port_processes_ended_total > 0', { drained: 2 * RELOADS })
    await prometheus.until('sum(socket_port_connections_received_total)', { '': RELOADS })
    await prometheus.until('socket_port_connections_handed_over_total > 0', { idle: RELOADS })
    await prometheus.until('socket_port_drain_seconds_count', { '': 2 * RELOADS })
    await prometheus.until('socket_port_worker_up', { 1: 1, 2: 1 })
    const quantile = 'histogram_quantile(0.9, socket_port_ready_seconds_bucket)'
    const { '': seconds } = await prometheus.query(quantile)
    expect(seconds).toBeGreaterThan(0)

    // What the README says to alert on.
    for (const alert of [
      'socket_port_last_reload_successful == 0',
      'socket_port_worker_up == 0',
      'increase(socket_port_connections_cut_total[1h]) > 0',
    ]) {
      expect(README).toContain(`\`${alert}\``)
      expect(await prometheus.query(alert), alert).toEqual({})
    }
    releases.deploy('exit 1')
    expect(await supervised.ask('reload')).toMatchObject({ code: 1 })
    await prometheus.until('socket_port_last_reload_successful == 0', { '': 0 })
    await prometheus.until('socket_port_reload_failures_total > 0', { ended: 1 })

    const { activeTargets } = await prometheus.api<{ activeTargets: object[] }>('targets')
    expect(activeTargets).toMatchObject([{ health: 'up', lastError: '' }])
    await expectStops(supervised)
  })

  it('has nothing against what promtool reads', async () => {
    const args = ['--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0']
    const supervised = await start({ args })
    const [, port] = await supervised.printed(/GET \/metrics on \S+:(\d+)/)
    const read = async (accept: string): Promise<string> =>
      (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } })).text()
    const check = (input: string): unknown => {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      })
      return { status, stdout, stderr }
    }
    const text = await read('text/plain')
    expect(check(text)).toEqual({ status: 0, stdout: '', stderr: '' })
    // It does find what is wrong.
    const wrong = text.replaceAll('socket_port_reloads_total', 'socket_port_reloads')
    expect(check(wrong)).toMatchObject({ status: 3, stderr: expect.stringContaining('_total') })
    await expectStops(supervised)
  })
})
