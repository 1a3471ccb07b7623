import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import { bootSystemd, type SystemdBox, systemdSkipReason } from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { appsSkipReason, ways } from './apps.ts'
import {
  Clients,
  expectNothingNoticed,
  expectNoWarning,
  startStream,
  WebSocketClient,
} from './clients.ts'
import { UNIT, unitsOf } from './units.ts'

const RESTARTS = Number(process.env.SOCKET_PORT_RESTARTS ?? 10)

const SERVICE = `${UNIT}.service`

const reason = appsSkipReason() ?? systemdSkipReason()

describe(...requireOrSkip('units of socket-port unit --register', reason), () => {
  let box: SystemdBox
  beforeAll(async () => {
    box = await bootSystemd({ units: {} })
  })
  afterEach(async () => {
    await box.systemctl('stop', `${UNIT}.socket`, SERVICE)
    await endProcesses()
  })
  afterAll(() => box?.stop())

  it.each(ways)(
    `systemctl restart ${RESTARTS} times under load, $title: 0 failed, 0 closed`,
    async (way) => {
      const { echo = '/echo', webSocket } = way.app.traits
      const port = freePort()
      await box.install(await unitsOf(way, port))
      const before = (await box.log(SERVICE)).length
      await box.start(`${UNIT}.socket`, SERVICE)
      const clients = await Clients.start(way.app, port)
      const pids = new Set([await box.mainPid(SERVICE)])
      for (let restart = 1; restart <= RESTARTS; restart += 1) {
        const stream = echo === null ? undefined : await startStream(port, echo)
        const socket = webSocket && (await WebSocketClient.open(port, webSocket))
        if (socket) await socket.echo('hello')
        const restarted = box.restart(SERVICE)
        // In flight while the old process drains, which ends with them.
        if (stream) await box.until(SERVICE, 'ActiveState', 'deactivating')
        if (socket) await socket.goesAway()
        await stream?.end()
        await restarted
        await clients.oneRequestEach()
        pids.add(await box.mainPid(SERVICE))
      }
      expectNothingNoticed(await clients.stop())
      expect(pids.size).toBe(RESTARTS + 1)
      expectNoWarning((await box.log(SERVICE)).slice(before))
    },
  )
})
