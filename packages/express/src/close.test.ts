import { once } from 'node:events'
import { Agent, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import express from './index.ts'

const agents: Agent[] = []
afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy()
})

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

describe('close', () => {
  it('answers the request in flight and one more, then calls back', async () => {
    const app = express({ signals: false })
    let release = (): unknown => expect.unreachable()
    app.get('/held', (_request, response) => {
      release = () => response.send('held')
    })
    app.get('/', (_request, response) => void response.send('idle'))
    const server = app.listen(0)
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
    const server = express({ signals: false }).listen(0)
    expect(await closed(server)).toBeUndefined()
    expect(await closed(server)).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' })
  })

  it('at once after listen is no error', async () => {
    const server = express({ signals: false }).listen(0, '127.0.0.1')
    expect(await closed(server)).toBeUndefined()
    expect(server.listening).toBe(false)
  })

  it('leaves another application of the process alone', async () => {
    const [app, other] = [express({ signals: false }), express({ signals: false })]
    const server = app.listen(0)
    const staying = other.listen(0)
    await closed(server)
    expect((await ask(staying, keepAlive())).statusCode).toBe(404)
    for (const agent of agents) agent.destroy()
    await closed(staying)
  })
})
