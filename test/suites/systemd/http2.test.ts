import { Http2Load } from '@socket-port/testkit/http2-load'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  type SystemdBox,
  systemdSkipReason,
} from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { HTTP2_SERVER } from '../load/http2-reloads.ts'

const port = freePort()
const UNITS = {
  'http2.socket': `[Socket]\nListenStream=127.0.0.1:${port}\nBacklog=4096\n`,
  'http2.service': [
    '[Service]',
    'Type=notify',
    `ExecStart=${pathInBox(process.execPath)} ${pathInBox(HTTP2_SERVER)}`,
    '',
  ].join('\n'),
}

describe(...requireOrSkip('HTTP/2 under systemd', systemdSkipReason()), () => {
  let box: SystemdBox

  beforeAll(async () => {
    box = await bootSystemd({ units: UNITS })
    await box.start('http2.socket')
  })
  afterAll(() => box?.stop())
  afterEach(endProcesses)

  it('systemctl restart under clients without TLS: 0 failed', async () => {
    const load = await Http2Load.start({ port, streams: 4, rtt: 20 })
    const before = load.sessions
    for (let restart = 0; restart < 3; restart += 1) {
      await box.restart('http2.service')
      await load.more(200)
    }
    await load.stop()
    expect(load.failures).toEqual([])
    expect(load.sessions).toBeGreaterThan(before)
  })
})
