import { once } from 'node:events'
import { Agent, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { type Answer, callListen, type DropIn } from './drop-in.ts'

const agents: Agent[] = []

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agents.push(agent)
  return agent
}

async function ask(server: Server, agent: Agent, path = '/'): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo
  const [response] = await once(get({ port, path, agent }), 'response')
  return response
}

const closed = (server: Server): Promise<Error | undefined> =>
  new Promise((resolve) => server.close(resolve))

/** Tests that `close()` of the server that `listen` returns is a drain. */
export function closing({ create }: DropIn): void {
  const listen = (answer?: Answer, ...where: unknown[]): Server =>
    callListen(create({ signals: false }, answer), 0, ...where)

  describe('close', () => {
    afterEach(() => {
      for (const agent of agents.splice(0)) agent.destroy()
    })

    it('answers the request in flight and one more, then calls back', async () => {
      let release = (): unknown => expect.unreachable()
      const held = new Promise<string>((resolve) => {
        release = () => resolve('held')
      })
      const server = listen((path) => (path === '/held' ? held : 'idle'))
      const [busy, idle] = [keepAlive(), keepAlive()]
      await text(await ask(server, idle))

      const requested = once(server, 'request')
      const inFlight = ask(server, busy, '/held')
      await requested
      const done = closed(server)
      const last = await ask(server, idle)
      expect(await text(last)).toBe('idle')
      expect(last.headers.connection).toBe('close')
      release()
      const response = await inFlight
      expect(await text(response)).toBe('held')
      expect(response.headers.connection).toBe('close')
      expect(await done).toBeUndefined()
      expect(server.listening).toBe(false)
    })

    it('twice tells the second what Node tells it', async () => {
      const server = listen()
      expect(await closed(server)).toBeUndefined()
      expect(await closed(server)).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' })
    })

    it('at once after listen is no error', async () => {
      const server = listen(undefined, '127.0.0.1')
      expect(await closed(server)).toBeUndefined()
      expect(server.listening).toBe(false)
    })

    it('leaves another application of the process alone', async () => {
      const [server, staying] = [listen(), listen()]
      await closed(server)
      expect((await ask(staying, keepAlive())).statusCode).toBe(404)
      for (const agent of agents) agent.destroy()
      await closed(staying)
    })
  })
}
