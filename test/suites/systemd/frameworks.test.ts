import { fileURLToPath } from 'node:url'
import { startLoad } from '@socket-port/testkit/load/load'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { requireOrSkip } from '@socket-port/testkit/requirements'
import {
  bootSystemd,
  pathInBox,
  readUnits,
  type SystemdBox,
  systemdSkipReason,
  type Units,
} from '@socket-port/testkit/systemd/index'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url))
const RESTARTS = Number(process.env.SOCKET_PORT_RESTARTS ?? 5)

const examples = ['express', 'fastify', 'hapi', 'hono', 'koa', 'nestjs', 'node-http'].map(
  (name) => ({ name, port: freePort() }),
)

type Example = (typeof examples)[number]

/** The units of an example under its own name, for its place and port in the test. */
async function unitsOf({ name, port }: Example): Promise<Units> {
  const folder = `${EXAMPLES}${name}`
  const units = Object.entries(await readUnits(folder)).map(([file, unit]) => [
    file.replace('app', name),
    unit
      .replaceAll('app.socket', `${name}.socket`)
      .replaceAll('8080', `${port}`)
      .replace('/usr/bin/node', pathInBox(process.execPath))
      .replaceAll('/srv/app', pathInBox(folder)),
  ])
  return Object.fromEntries(units)
}

describe(...requireOrSkip('the units of an example', systemdSkipReason()), () => {
  let box: SystemdBox

  beforeAll(async () => {
    const units = await Promise.all(examples.map(unitsOf))
    box = await bootSystemd({ units: Object.assign({}, ...units) })
    await box.start(...examples.map(({ name }) => `${name}.socket`))
  })
  afterAll(() => box?.stop())
  afterEach(endProcesses)

  it.each(examples)(
    `systemctl restart ${RESTARTS} times under load, examples/$name: 0 failed`,
    async ({ name, port }) => {
      const service = `${name}.service`
      const target = ['127.0.0.1', '::1'].map((host) => ({ host, port }))
      const load = await startLoad({ target, clients: 50, rtt: 20, think: [0, 20] })
      await load.oneRequestEach()
      const pids = new Set([await box.mainPid(service)])
      for (let restart = 1; restart <= RESTARTS; restart += 1) {
        await box.restart(service)
        await load.oneRequestEach()
        pids.add(await box.mainPid(service))
      }
      const result = await load.stop()
      expect(result.failures).toEqual([])
      expect(result.failed).toBe(0)
      expect(result.requests).toBeGreaterThan(RESTARTS * 50)
      expect(pids.size).toBe(RESTARTS + 1)
      expect(await box.log(service)).not.toMatch(/warn|error/i)
      await box.stopUnit(`${name}.socket`, service)
    },
  )
})
