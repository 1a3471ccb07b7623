import { mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Listener, listenerBacklog, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asArguments } from './forms.ts'
import { type Framework, type Listening, type Report, Server } from './framework.ts'

/** Its `listen` takes every form, and inherits by port, name and path. */
export function listening(framework: Framework): void {
  describe('listens on', () => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-'))
    const forms = framework.forms.map((form, index) => {
      const places = { port: freePort(), path: join(folder, `${index}.sock`) }
      return { ...form, places, index }
    })
    let server: Server
    let report: Report

    beforeAll(async () => {
      const calls = forms.map((form) => ({ arguments: form.arguments(form.places) }))
      server = new Server(framework, calls)
      report = await server.report()
    })
    afterAll(async () => {
      await endProcesses()
      rmSync(folder, { recursive: true })
    })

    it.each(forms)('$name', async ({ index, places, expected }) => {
      const one = report.servers[index] as Listening
      expect(one).toMatchObject({ source: 'bound', address: expected(places) })
      expectUrl(one)
      expect(await statusOf(one)).toBe(200)
    })

    it('each of them until SIGTERM, without a word of warning', async () => {
      server.process.signal('SIGTERM')
      expect(await server.process.exit).toMatchObject({ code: 0 })
      expect(server.process.stderr).toBe('')
    })
  })

  describe('inherits', () => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-'))
    const path = join(folder, 'app.sock')
    const { call = asArguments } = framework
    let listeners: Listener[]
    let server: Server
    let report: Report

    beforeAll(async () => {
      const [first, second] = [openListener(), openListener()]
      const [admin, unix] = [openListener({ host: '127.0.0.1' }), openListener({ path })]
      listeners = [first, second, admin, unix]
      const sockets = [unix, { ...admin, name: 'admin' }, second, first]
      const calls = [
        { arguments: call({ port: first.port }) },
        { arguments: call({ port: 0 }), options: { name: 'admin' } },
        { arguments: call({ path }) },
        { arguments: call({ port: second.port }), options: { inherit: 'require' } },
      ]
      server = new Server(framework, calls, { sockets })
      report = await server.report()
    })
    afterAll(async () => {
      await endProcesses()
      for (const listener of listeners) listener.close()
      rmSync(folder, { recursive: true })
    })

    const at = (index: number): Listening => report.servers[index] as Listening

    it.each([
      ['by port', 0, 0],
      ['by name', 1, 2],
      ['a second one by port', 3, 1],
    ])('%s', async (_, call, listener) => {
      const { port } = listeners[listener] as Listener
      expect(at(call)).toMatchObject({ source: 'inherited', address: { port } })
      expectUrl(at(call))
      expect(await statusOf(at(call))).toBe(200)
    })

    it('by path', async () => {
      expect(at(2)).toMatchObject({ source: 'inherited', address: path })
      expectUrl(at(2))
      expect(await statusOf(at(2))).toBe(200)
    })

    it('and leaves the sockets as they were', async () => {
      server.process.signal('SIGTERM')
      expect(await server.process.exit).toMatchObject({ code: 0 })
      expect(server.process.stderr).toBe('')
      const [first] = listeners
      expect(listenerBacklog(first?.fd ?? -1)).toBe(4096)
    })
  })
}

/** What the framework itself says of where it listens is true. */
function expectUrl({ url, address }: Listening): void {
  if (url === undefined) return
  expect(url).toContain(typeof address === 'string' ? address : `:${address.port}`)
}

function statusOf({ address }: Listening): Promise<number | undefined> {
  const place = typeof address === 'string' ? { socketPath: address } : placeOf(address)
  return new Promise((resolve, reject) => {
    const answered = get({ ...place, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode))
    })
    answered.once('error', reject)
  })
}

const placeOf = ({ address, port }: { address: string; port: number }): object => ({
  host: address === '::' ? '127.0.0.1' : address,
  port,
})
