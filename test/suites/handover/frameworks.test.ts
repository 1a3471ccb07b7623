import { freePort } from '@socket-port/testkit/native'
import { pathInBox } from '@socket-port/testkit/systemd/index'
import { expect, it } from 'vitest'
import { asArguments, asOptions } from '../frameworks/forms.ts'
import { type Framework, fixtureOf } from '../frameworks/framework.ts'
import { describeHandover, expectNothingNoticed } from './box.ts'

const RESTARTS = Number(process.env.SOCKET_PORT_RESTARTS ?? 3)
const CLIENTS = 48

type Case = Pick<Framework, 'name' | 'fixture' | 'call'>

const FRAMEWORKS: readonly Case[] = [
  { name: 'Express', fixture: 'express' },
  { name: 'Fastify', fixture: 'fastify', call: asOptions },
  { name: 'hapi', fixture: 'hapi', call: asOptions },
  { name: 'Hono', fixture: 'hono' },
  { name: 'Koa', fixture: 'koa' },
  { name: 'NestJS on Express', fixture: 'nest-express' },
  { name: 'NestJS on Fastify', fixture: 'nest-fastify' },
  { name: 'node:http', fixture: 'node-http' },
]

await describeHandover('connections handed over by a framework', (box) => {
  // In the root of another release there is no /etc/hosts, and Fastify binds localhost by default.
  const bound = box.release === 'host' ? {} : { host: '127.0.0.1' }

  it.each(FRAMEWORKS)(
    `$name, with two servers, one of a socket unit and one stored, ${RESTARTS} restarts: 0 failed, 0 closed`,
    async ({ fixture, call = asArguments, name }) => {
      const [port, stored] = [freePort(), freePort()]
      const calls = [
        { arguments: call({ port }) },
        { arguments: call({ port: stored, ...bound }), options: { fdStore: true } },
      ]
      const { command, env } = fixtureOf(
        { name, fixture, forms: [] },
        { LISTEN: JSON.stringify(calls) },
      )
      const app = await box.start({ listen: String(port), env, command: command.map(pathInBox) })
      const load = await app.load({ clients: CLIENTS, method: 'mixed', rtt: 20, think: [0, 20] }, [
        { port },
        { port: stored },
      ])
      const pids = new Set([await app.pid()])
      for (let restart = 1; restart <= RESTARTS; restart += 1) {
        await app.restart()
        await load.oneRequestEach()
        pids.add(await app.pid())
      }
      expectNothingNoticed(await load.stop(), CLIENTS)
      expect(pids.size).toBe(RESTARTS + 1)
      expect(await app.log()).not.toMatch(/warn|error/i)
    },
  )
})
