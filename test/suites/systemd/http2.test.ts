import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SOCKET_PORT } from '@socket-port/testkit/command'
import { cert, key } from '@socket-port/testkit/fixed-certificate'
import { type Http2Failure, Http2Load } from '@socket-port/testkit/http2-load'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it, onTestFinished } from 'vitest'
import { describeHandover } from '../handover/box.ts'
import { expectSafeToRepeat, HTTP2_SERVER, type ReloadResult } from '../load/http2-reloads.ts'

const NODE = pathInBox(process.execPath)
const SERVER = [NODE, pathInBox(HTTP2_SERVER)]
const RUN = [NODE, pathInBox(SOCKET_PORT), 'run', '--', ...SERVER]
interface Replacing {
  way: 'restart' | 'reload'
  tls: boolean
  /** @default 4 */
  streams?: number
  times?: number
  env?: Readonly<Record<string, string>>
}

await describeHandover('HTTP/2', (box) => {
  /** What strict clients, 20 ms away, see of a socket-activated server that is replaced by systemd. */
  async function replaceUnderLoad({
    way,
    tls,
    streams = 4,
    times = 3,
    env,
  }: Replacing): Promise<ReloadResult<Http2Failure>> {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-http2-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'handled')
    const app = await box.start({
      ...(way === 'reload' ? { command: RUN, lines: await box.linesOfRun() } : { command: SERVER }),
      env: { HANDLED: file, ...(tls && { KEY: key, CERT: cert }), ...env },
    })
    const { port } = app
    const load = await Http2Load.start({ port, streams, rtt: 20, ...(tls && { ca: cert }) })
    const before = load.sessions
    for (let count = 1; count <= times; count += 1) {
      await (way === 'reload' ? box.systemd.reload(app.unit) : app.restart())
      // Each of the clients has left the old process.
      while (load.sessions < before + 10 * count) await load.more(10)
      await load.more(200)
    }
    await load.stop()
    const handled = readFileSync(file, 'utf8').split('\n')
    return { requests: load.requests, failures: load.failures, handled }
  }

  const WAYS = ['restart', 'reload'] as const

  it.each(WAYS)(
    'systemctl %s under clients without TLS that ask for one thing at a time: 0 failed',
    async (way) => {
      const { failures } = await replaceUnderLoad({ way, tls: false, streams: 1 })
      expect(failures).toEqual([])
    },
  )

  it.each(WAYS.flatMap((way) => [false, true].map((tls) => [way, tls] as const)))(
    'systemctl %s under clients with four requests at a time: what is refused was not handled (TLS: %s)',
    async (way, tls) => {
      expectSafeToRepeat(await replaceUnderLoad({ way, tls }))
    },
  )

  it.each([false, true])(
    'negative control: Node’s own close loses requests (TLS: %s)',
    async (tls) => {
      const env = { CLOSE: 'plain' }
      const { failures } = await replaceUnderLoad({ way: 'restart', tls, times: 1, env })
      expect(failures.some(({ refused }) => !refused)).toBe(true)
    },
  )
})
