import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import { describeHolders, findHolders, type Holder } from './holders.ts'
import { statOf } from './process.ts'
import { listeningSockets } from './sockets.ts'

const holder = (pid: number, command: string): Holder => ({
  pid,
  command,
  uid: 0,
  startTime: '1',
  sockets: [],
})

describe('describeHolders', () => {
  const [a, b, c, d, e] = [11, 12, 13, 14, 15].map((pid) => holder(pid, `app ${pid}`)) as [
    Holder,
    Holder,
    Holder,
    Holder,
    Holder,
  ]

  it.each([
    { holders: [], text: '' },
    { holders: [a], text: 'held by pid 11 (app 11)' },
    { holders: [a, b], text: 'held by pid 11 (app 11) and pid 12 (app 12)' },
    {
      holders: [a, b, c],
      text: 'held by pid 11 (app 11), pid 12 (app 12) and pid 13 (app 13)',
    },
    {
      holders: [a, b, c, d, e],
      text: 'held by pid 11 (app 11), pid 12 (app 12), pid 13 (app 13) and 2 more',
    },
    {
      holders: [holder(process.pid, 'node')],
      text: `held by this process itself (pid ${process.pid})`,
    },
  ])('says: $text', ({ holders, text }) => {
    expect(describeHolders(holders)).toBe(text)
  })
})

describe(...requireOrSkip('findHolders', linuxSkipReason()), () => {
  let server: Server
  let child: ChildProcess | undefined

  afterEach(async () => {
    if (child?.kill('SIGKILL')) await once(child, 'exit')
    child = undefined
    await new Promise((closed) => server.close(closed))
  })

  async function listen(options: { port: number } | { path: string }): Promise<void> {
    server = createServer().listen(options)
    await once(server, 'listening')
  }

  it('finds this process by port, with its pid, user and start time', async () => {
    await listen({ port: 0 })
    const { port } = server.address() as AddressInfo
    const inodes = listeningSockets().filter((socket) => socket.port === port)
    expect(findHolders({ port })).toEqual([
      {
        pid: process.pid,
        command: expect.stringMatching(/./),
        uid: process.getuid?.(),
        startTime: String(statOf(process.pid)?.startTime),
        sockets: inodes.map(({ inode }) => String(inode)),
      },
    ])
  })

  it.each([
    { path: `/tmp/socket-port-holders-${process.pid}.sock` },
    { path: `\0socket-port-holders-${process.pid}` },
  ])('finds it by $path', async ({ path }) => {
    await listen({ path })
    expect(findHolders({ path }).map(({ pid }) => pid)).toEqual([process.pid])
  })

  it('finds every process that shares a socket', async () => {
    await listen({ port: 0 })
    const { port } = server.address() as AddressInfo
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    child = spawn(process.execPath, ['-e', 'process.send("ready"); setInterval(() => {}, 1e6)'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd],
    })
    await once(child, 'message')
    const pids = findHolders({ port }).map(({ pid }) => pid)
    expect(pids.sort()).toEqual([process.pid, child.pid].sort())
  })

  it('does not take a connection for a listener', async () => {
    await listen({ port: 0 })
    const { port } = server.address() as AddressInfo
    const { createConnection } = await import('node:net')
    const client = createConnection(port)
    await once(client, 'connect')
    const { localPort = 0 } = client
    expect(findHolders({ port: localPort })).toEqual([])
    client.destroy()
  })

  it('finds no process if none listens', async () => {
    await listen({ port: 0 })
    expect(findHolders({ path: '/no/such.sock' })).toEqual([])
    expect(findHolders({ port: 0 })).toEqual([])
  })
})
