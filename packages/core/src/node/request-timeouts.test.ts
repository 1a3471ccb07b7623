import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { F_DUPFD_CLOEXEC } from '../sockets/constants.ts'
import { loadLibc } from '../sockets/libc.ts'
import { excuseSilence } from './request-timeouts.ts'
import { takeConnection } from './take-connection.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function received(server: Server): Promise<{ client: RawConnection; socket: Socket }> {
  const before = createNetServer({ pauseOnConnect: true }).listen(0)
  await once(before, 'listening')
  const accepted = once(before, 'connection')
  const client = await RawConnection.open((before.address() as AddressInfo).port)
  const [old] = (await accepted) as [Socket & { _handle: { fd: number } }]
  const socket = takeConnection(server, loadLibc().fcntl(old._handle.fd, F_DUPFD_CLOEXEC, 3))
  old.destroy()
  before.close()
  if (socket === undefined) throw new Error('the server has refused it')
  excuseSilence(server, socket)
  cleanups.push(() => client.close())
  return { client, socket }
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, resolve))
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return server
}

const serverOf = (socket: Socket): unknown => Reflect.get(socket, 'server')

describe(...requireOrSkip('a connection whose silence is excused', linuxSkipReason()), () => {
  it('is of the server itself from its first request on', async () => {
    const seen: unknown[] = []
    const server = createServer((request, response) => {
      seen.push(serverOf(request.socket))
      Object.assign(serverOf(request.socket) as object, { kept: request.url })
      response.end(`served ${request.url}`)
    })
    const { client, socket } = await received(await listening(server))
    expect(serverOf(socket)).not.toBe(server)
    for (const path of ['/1', '/2']) {
      client.send(get(path))
      await client.receive(new RegExp(`served ${path}$`))
      expect(server).toHaveProperty('kept', path)
    }
    expect(seen).toEqual([server, server])
    expect(seen[0]).toBe(server)
    expect(Object.getOwnPropertyDescriptor(socket, 'server')).toMatchObject({ value: server })
  })

  it('is of the server itself for a listener of its error', async () => {
    const server = await listening(createServer())
    const { socket } = await received(server)
    const heard: unknown[] = []
    server.on('clientError', (_: Error, failed: Socket) => {
      heard.push(serverOf(failed) === server)
    })
    socket.emit('error', new Error('connection reset'))
    expect(heard).toEqual([true])
  })

  it('may be given another server', async () => {
    const { socket } = await received(await listening(createServer()))
    const other = createServer()
    Object.assign(socket, { server: other })
    expect(serverOf(socket)).toBe(other)
  })
})
