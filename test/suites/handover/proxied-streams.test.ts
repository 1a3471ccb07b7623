import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { haproxy } from '@socket-port/testkit/proxies/haproxy'
import { nginx } from '@socket-port/testkit/proxies/nginx'
import { type ReverseProxy, startProxy } from '@socket-port/testkit/proxies/proxy'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { StrictEventStream } from '@socket-port/testkit/strict-event-stream'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openStrict } from '../../src/socket-io/strict-client.ts'
import { type App, type AppOptions, describeHandover } from './box.ts'

const CLIENTS = 10
const RESTARTS = 5
const MESSAGES = 10

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/${name}.mjs`, import.meta.url))

/** What the fixture `web-sockets.mjs` answers to message number `n`: the `count`th of this client. */
interface Answer {
  n: number
  count: number
  pid: number
}

/** A WebSocket that sends one message after the other, and checks each answer. */
async function openWebSocket(port: number) {
  const client = new WebSocket(`ws://127.0.0.1:${port}/live/`)
  const faults: string[] = []
  client.once('close', (code) => faults.push(`closed ${code}`))
  await once(client, 'open')
  let n = 0
  return {
    client,
    faults,
    /** Sends one message. Resolves with the process that has answered. */
    async ask(): Promise<number> {
      const answered = once(client, 'message')
      client.send(JSON.stringify({ n: ++n }))
      const answer = JSON.parse(String((await answered)[0])) as Answer
      if (answer.n !== n || answer.count !== n) faults.push(`${n}: ${JSON.stringify(answer)}`)
      return answer.pid
    },
  }
}

await describeHandover('behind a proxy', (box) => {
  for (const kind of [nginx, haproxy]) {
    const { command } = kind
    describe(...requireOrSkip(command, commandSkipReason(command)), () => {
      let proxy: ReverseProxy
      afterEach(() => proxy.stop())

      async function boot(name: string, options: AppOptions = {}): Promise<App> {
        const app = await box.start({
          ...options,
          command: [process.execPath, fixture(name)].map(pathInBox),
        })
        proxy = await startProxy(kind, app.port)
        return app
      }

      it('event streams live through restarts', async () => {
        const app = await boot('event-streams')
        const open = Array.from({ length: CLIENTS }, () =>
          StrictEventStream.open(proxy.port, '/live/'),
        )
        const clients = await Promise.all(open)
        for (let restart = 1; restart <= RESTARTS; restart += 1) {
          await app.restart()
          await Promise.all(clients.map((client) => client.heard(1 + restart)))
        }
        expect(clients.flatMap(({ faults }) => faults)).toEqual([])
        expect(proxy.complaints()).toEqual([])
        for (const client of clients) client.close()
      })

      it('WebSockets live through restarts, and end with a code at a stop', async () => {
        const app = await boot('web-sockets')
        const clients = await Promise.all(
          Array.from({ length: CLIENTS }, () => openWebSocket(proxy.port)),
        )
        for (let restart = 1; restart <= RESTARTS; restart += 1) {
          const restarted = app.restart()
          const asked = clients.map(async ({ ask }) => {
            for (let message = 0; message < MESSAGES; message += 1) await ask()
          })
          await Promise.all([restarted, ...asked])
          const pid = await app.pid()
          const pids = await Promise.all(clients.map(({ ask }) => ask()))
          expect(new Set(pids)).toEqual(new Set([pid]))
        }
        expect(clients.flatMap(({ faults }) => faults)).toEqual([])
        const closed = clients.map(({ client }) => once(client, 'close').then(([code]) => code))
        await app.systemd.systemctl('stop', `${app.name}.socket`, app.unit)
        expect(await Promise.all(closed)).toEqual(Array(CLIENTS).fill(1001))
      })

      it('negative control: without the call a restart closes them', async () => {
        const app = await boot('web-sockets', { env: { PLAIN: '1' } })
        const { client } = await openWebSocket(proxy.port)
        const closed = once(client, 'close')
        await app.restart()
        expect((await closed)[0]).toBe(1001)
      })

      it('clients of Socket.IO notice no restart', async () => {
        const app = await boot('socket-io')
        const clients = await openStrict(proxy.port, CLIENTS)
        for (let restart = 1; restart <= RESTARTS; restart += 1) {
          await app.restart()
          await Promise.all(clients.map((client) => client.heard(1 + restart)))
        }
        expect(clients.flatMap(({ faults }) => faults)).toEqual([])
        expect(proxy.complaints()).toEqual([])
        for (const client of clients) client.close()
      })

      it('negative control: without the call clients of Socket.IO are disconnected', async () => {
        const app = await boot('socket-io', { env: { PLAIN: '1' } })
        const clients = await openStrict(proxy.port, 4)
        const heard = Promise.allSettled(clients.map((client) => client.heard(2)))
        await app.restart()
        expect((await heard).map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
        for (const { faults } of clients) expect(faults).toContain('disconnect: transport close')
        for (const client of clients) client.close()
      })
    })
  }
})
