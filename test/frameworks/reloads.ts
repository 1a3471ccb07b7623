import { freePort } from '@socket-port/testkit/native'
import { expect } from 'vitest'
import { afterTest, expectStops, start, untilDrained } from '../suites/cli/supervising.ts'
import { type App, environmentOf, folderOf } from './apps.ts'
import {
  Clients,
  expectNothingNoticed,
  expectNoWarning,
  startStream,
  WebSocketClient,
} from './clients.ts'

/** Reloads `socket-port run --register` with a command under load: 0 failed, 0 closed, in order to the end. */
export async function expectReloads(
  app: App,
  command: readonly string[],
  reloads: number,
): Promise<void> {
  const { echo = '/echo', webSocket } = app.traits
  const port = freePort()
  const supervised = await start({
    args: ['--register', '--listen', `${port}`],
    command,
    cwd: folderOf(app),
    env: { ...environmentOf(app), PORT: `${port}` },
  })
  const clients = await Clients.start(app, port)
  afterTest(() => clients.dispose())
  for (let reload = 1; reload <= reloads; reload += 1) {
    // In flight when the reload begins: the old process serves the stream to its end, and closes the WebSocket.
    const stream = echo === null ? undefined : await startStream(port, echo)
    const socket = webSocket && (await WebSocketClient.open(port, webSocket))
    if (socket) await socket.echo('hello')
    expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
    await clients.oneRequestEach()
    if (socket) await socket.goesAway()
    await stream?.end()
    await untilDrained(supervised)
  }
  expectNothingNoticed(await clients.stop())
  await expectStops(supervised)
  expectNoWarning(supervised.generation.output)
}
