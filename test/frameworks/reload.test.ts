import { freePort } from '@socket-port/testkit/native'
import { describe, expect, it } from 'vitest'
import { afterTest, expectStops, start, untilDrained } from '../suites/cli/supervising.ts'
import { environmentOf, folderOf, ways } from './apps.ts'
import {
  Clients,
  expectNothingNoticed,
  expectNoWarning,
  startStream,
  WebSocketClient,
} from './clients.ts'

const RELOADS = Number(process.env.SOCKET_PORT_RESTARTS ?? 10)

describe(`socket-port run --register, ${RELOADS} reloads under load`, () => {
  it.each(ways)('$title: 0 failed, 0 closed', async ({ app, command }) => {
    const port = freePort()
    const supervised = await start({
      args: ['--register', '--listen', `${port}`],
      command: command.split(' '),
      cwd: folderOf(app),
      env: { ...environmentOf(app), PORT: `${port}` },
    })
    const { echo = '/echo', webSocket } = app.traits
    const clients = await Clients.start(app, port)
    afterTest(() => clients.dispose())
    for (let reload = 1; reload <= RELOADS; reload += 1) {
      // In flight when the reload begins: the old process serves the stream to its end, and closes the WebSocket.
      const stream = echo === null ? undefined : await startStream(port, echo)
      const socket = webSocket && (await WebSocketClient.open(port, webSocket))
      if (socket) await socket.echo('hello')
      expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
      await clients.round()
      if (socket) await socket.goesAway()
      await stream?.end()
      await untilDrained(supervised)
    }
    expectNothingNoticed(await clients.stop())
    await expectStops(supervised)
    expectNoWarning(supervised.generation.output)
  })
})
