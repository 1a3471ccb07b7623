import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import type { AnyServer } from '../base/types.ts'
import { Connections } from './connections.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function listening<S extends AnyServer>(server: S): Promise<S> {
  server.listen(0)
  await once(server, 'listening')
  cleanups.push(() => server.close())
  return server
}

async function open(server: AnyServer): Promise<RawConnection> {
  const accepted = once(server, 'connection')
  const client = await RawConnection.open((server.address() as AddressInfo).port)
  cleanups.push(() => client.close())
  await accepted
  return client
}

/** Leaves HTTP, if the server has a listener for it; resolves with the first line of the response. */
async function upgrade(server: AnyServer): Promise<string> {
  const client = await open(server)
  client.send(get('/', 'Connection: Upgrade', 'Upgrade: chat'))
  return (await client.receive(/\r\n\r\n/)).slice(0, 12)
}

const httpServer = (): Server => createServer((_, response) => response.end())
const switching = (_: unknown, socket: { write(text: string): void }): void => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
}

describe('of a plain HTTP/1.1 server', () => {
  it('are found without a listener for each', async () => {
    const server = httpServer()
    const before = server.listenerCount('connection')
    const connections = new Connections(server)
    await listening(server)
    expect(server.listenerCount('connection')).toBe(before)
    const client = await open(server)
    const [socket] = [...connections]
    expect(connections.size).toBe(1)
    expect(socket?.remotePort).toBe(client.socket.localPort)
  })

  it("are tracked when follow() is called in a listener of 'listening'", async () => {
    const server = httpServer()
    const connections = new Connections(server)
    let closed = 0
    server.prependOnceListener('listening', () => {
      connections.onEmpty = () => {
        closed += 1
      }
    })
    await listening(server)
    const client = await open(server)
    const [socket] = [...connections]
    client.close()
    await once(socket as Socket, 'close')
    expect(closed).toBe(1)
  })

  it('are found if they were open before', async () => {
    const server = await listening(httpServer())
    await open(server)
    expect(new Connections(server).size).toBe(1)
  })

  it('are found if the server was given them and does not listen', async () => {
    const server = httpServer()
    const connections = new Connections(server)
    const front = await listening(createNetServer((socket) => server.emit('connection', socket)))
    const client = await open(front)
    expect(connections.size).toBe(1)
    await listening(server)
    await open(server)
    expect(connections.size).toBe(2)
    connections.follow()
    expect(connections.size).toBe(2)
    const closed = once([...connections][0] ?? server, 'close')
    client.close()
    await closed
    expect(connections.size).toBe(1)
  })

  it('are still tracked when the drain begins before the server listens', async () => {
    const server = httpServer()
    const connections = new Connections(server)
    connections.follow()
    await listening(server)
    await open(server)
    expect(connections.size).toBe(1)
  })

  it('are found after an upgrade, whenever its listener was added', async () => {
    const early = await listening(httpServer().on('upgrade', switching))
    const ofEarly = new Connections(early)
    expect(await upgrade(early)).toBe('HTTP/1.1 101')
    expect(ofEarly.size).toBe(1)

    const late = await listening(httpServer())
    const ofLate = new Connections(late)
    late.on('upgrade', switching)
    expect(await upgrade(late)).toBe('HTTP/1.1 101')
    expect(ofLate.size).toBe(1)
    const [socket] = ofLate
    const closed = once(socket ?? late, 'close')
    socket?.destroy()
    await closed
    expect(ofLate.size).toBe(0)
  })

  it('are upgraded only while the program listens for upgrades', async () => {
    const server = await listening(httpServer())
    const connections = new Connections(server)
    server.on('upgrade', switching).off('upgrade', switching)
    expect(server.listenerCount('upgrade')).toBe(0)
    expect(await upgrade(server)).toBe('HTTP/1.1 200')
    server.once('upgrade', switching)
    expect(await upgrade(server)).toBe('HTTP/1.1 101')
    expect(server.listenerCount('upgrade')).toBe(0)
    server.on('upgrade', switching).removeAllListeners('upgrade')
    expect(server.listenerCount('upgrade')).toBe(0)
    expect(connections.size).toBe(2)
  })

  it('are all tracked after follow(), also those that were open before', async () => {
    const server = await listening(httpServer().on('upgrade', switching))
    const connections = new Connections(server)
    await open(server)
    await upgrade(server)
    connections.follow()
    expect(connections.size).toBe(2)
    const emptied = new Promise<void>((resolve) => {
      connections.onEmpty = resolve
    })
    await open(server)
    expect(connections.size).toBe(3)
    for (const socket of connections) socket.destroy()
    await emptied
    expect(connections.size).toBe(0)
  })

  it('may be tracked by two objects, and neither takes the listener of the other for one of the program', async () => {
    const server = await listening(httpServer())
    const both = [new Connections(server), new Connections(server)]
    server.on('upgrade', switching)
    expect(await upgrade(server)).toBe('HTTP/1.1 101')
    expect(both.map(({ size }) => size)).toEqual([1, 1])
    server.off('upgrade', switching)
    expect(server.listenerCount('upgrade')).toBe(0)
    expect(await upgrade(server)).toBe('HTTP/1.1 200')
  })

  it('leave nothing behind on the server', async () => {
    const server = httpServer()
    const count = (): number[] =>
      server.eventNames().map((event) => server.listenerCount(event as string))
    const before = count()
    for (const follow of [false, true]) {
      const connections = new Connections(server)
      server.on('upgrade', switching)
      if (follow) connections.follow()
      connections.stop()
      server.off('upgrade', switching)
      expect(count()).toEqual(before)
    }
  })
})

it('of another server are tracked from the start', async () => {
  const server = await listening(createNetServer())
  const connections = new Connections(server)
  const client = await open(server)
  expect(connections.size).toBe(1)
  const emptied = new Promise<void>((resolve) => {
    connections.onEmpty = resolve
  })
  client.close()
  for (const socket of connections) socket.resume()
  await emptied
  expect(connections.size).toBe(0)
})
