import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it } from 'vitest'
import {
  inodeOf,
  kernelPath,
  listeningSockets,
  type ProcSocket,
  parseTcp,
  parseUnix,
  socketInode,
} from './sockets.ts'

// Captured on Linux 6.18, x64: two listeners, one with a connection in its queue, three states.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1455 1 000000005cf55326 100 0 0 10 0                      
   1: 0100007F:84DD 00000000:0000 0A 00000000:00000003 00:00000000 00000000 65534        0 4294967295 1 000000000036ffdc 100 0 0 10 0                      
   2: 0100007F:D658 0100007F:9339 01 00000000:00000000 00:00000000 00000000     0        0 6864 2 0000000093b3729c 20 0 0 10 -1                      
   3: 0100007F:D65C 0100007F:9339 06 00000000:00000000 03:00000F51 00000000     0        0 0 3 00000000d4c7ab33                                      
`

const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:9339 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6855 1 00000000e0386708 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:ACA9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6858 1 00000000704a15bd 100 0 0 10 0
   2: 00000000000000000000000001000000:A979 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6857 1 000000007239ad2a 100 0 0 10 0
   3: B80D0120000000000100000078563412:A97A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6859 1 000000007239ad2b 100 0 0 10 0
`

const UNIX = `Num       RefCount Protocol Flags    Type St Inode Path
00000000f01a64aa: 00000003 00000000 00000000 0001 03  1452
0000000026dd2ca6: 00000002 00000000 00010000 0001 01  6859 /tmp/wk/a b  c.sock
0000000016158b12: 00000002 00000000 00010000 0001 01  6861 rel.sock
000000008e579436: 00000002 00000000 00010000 0001 01  6862 /tmp/wk/new
line.sock
(____ptrval____): 00000002 00000000 00010000 0005 01   863 /run/udev/control
00000000c4d105f3: 00000003 00000000 00000000 0002 01  1451 /run/systemd/notify
0000000069e4d333: 00000002 00000000 00010000 0001 01  6863 @with@nul@@@@@@@@@@@@@@@
0000000069e4d334: 00000003 00000000 00000000 0001 03  6864 /tmp/wk/a b  c.sock
`

describe('parseTcp', () => {
  it('reads listeners, queue length and owner', () => {
    expect(parseTcp(TCP, 'LE').filter((socket) => socket.listening)).toEqual([
      {
        family: 'IPv4',
        type: 'stream',
        inode: 1455,
        listening: true,
        connected: false,
        uid: 0,
        address: '0.0.0.0',
        port: 2024,
        queueLength: 0,
      },
      {
        family: 'IPv4',
        type: 'stream',
        inode: 4294967295,
        listening: true,
        connected: false,
        uid: 65534,
        address: '127.0.0.1',
        port: 34013,
        queueLength: 3,
      },
    ])
  })

  it('tells connections from listeners, gives them no queue length, and skips those in TIME_WAIT', () => {
    const rest = parseTcp(TCP, 'LE').filter((socket) => !socket.listening)
    expect(rest.map(({ inode, connected }) => ({ inode, connected }))).toEqual([
      { inode: 6864, connected: true },
    ])
    expect(rest.every((socket) => !('queueLength' in socket))).toBe(true)
  })

  it('formats IPv6 addresses as Node does', () => {
    const found = parseTcp(TCP6, 'LE').map(({ family, address, port }) => [family, address, port])
    expect(found).toEqual([
      ['IPv6', '::', 37689],
      ['IPv6', '::ffff:127.0.0.1', 44201],
      ['IPv6', '::1', 43385],
      ['IPv6', '2001:db8::1:1234:5678', 43386],
    ])
  })

  it('reads the words of a big-endian machine', () => {
    const row = (address: string) =>
      `   0: ${address}:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 7 1\n`
    const text = row('7F000001') + row('00000000000000000000FFFF7F000001')
    expect(parseTcp(text, 'BE').map(({ address, port }) => [address, port])).toEqual([
      ['127.0.0.1', 8080],
      ['::ffff:127.0.0.1', 8080],
    ])
  })

  it.each(['', 'garbage', '   0: 0100007F:84DD', '  sl  local_address'])('skips %j', (text) => {
    expect(parseTcp(text)).toEqual([])
  })
})

describe('parseUnix', () => {
  it('reads paths with spaces and newlines, relative ones, and none', () => {
    const found = parseUnix(UNIX).map(({ inode, path }) => [inode, path])
    expect(found).toEqual([
      [1452, undefined],
      [6859, '/tmp/wk/a b  c.sock'],
      [6861, 'rel.sock'],
      [6862, '/tmp/wk/new\nline.sock'],
      [863, '/run/udev/control'],
      [1451, '/run/systemd/notify'],
      [6863, '@with@nul'],
      [6864, '/tmp/wk/a b  c.sock'],
    ])
  })

  it('reads type and state', () => {
    const sockets = new Map(parseUnix(UNIX).map((socket) => [socket.inode, socket]))
    const stream = { type: 'stream', listening: true, connected: false }
    expect(sockets.get(6859)).toMatchObject(stream)
    expect(sockets.get(863)).toMatchObject({ ...stream, type: 'seqpacket' })
    expect(sockets.get(1451)).toMatchObject({ type: 'dgram', listening: false, connected: false })
    expect(sockets.get(6864)).toMatchObject({ listening: false, connected: true })
  })

  it.each(['', 'garbage', 'Num       RefCount Protocol Flags\ngarbage\n'])('skips %j', (text) => {
    expect(parseUnix(text)).toEqual([])
  })
})

it('shows an abstract name as the kernel does, and a path as it is', () => {
  expect(kernelPath('\0name')).toBe('@name')
  expect(kernelPath('\0a\0b\0\0\0')).toBe('@a@b')
  expect(kernelPath('/run/a@@')).toBe('/run/a@@')
})

it('takes an inode only from the link of a socket', () => {
  expect(inodeOf('socket:[4294967295]')).toBe(4294967295)
  for (const link of ['pipe:[12]', '/tmp/socket:[12]', 'socket:[]', '']) {
    expect(inodeOf(link)).toBeUndefined()
  }
})

describe(...requireOrSkip('the kernel', linuxSkipReason()), () => {
  let server: Server
  afterEach(() => new Promise((closed) => void server.close(closed)))

  async function listen(options: ListenOptions): Promise<ProcSocket | undefined> {
    server = createServer().listen(options)
    await once(server, 'listening')
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    const inode = socketInode(fd)
    return listeningSockets().find((socket) => socket.inode === inode)
  }

  it.each([
    { options: { port: 0 }, family: 'IPv6' },
    { options: { port: 0, host: '127.0.0.1' }, family: 'IPv4' },
    { options: { port: 0, host: '::1' }, family: 'IPv6' },
  ])('shows the address as server.address() does: $options', async ({ options, family }) => {
    const socket = await listen(options)
    const { address, port } = server.address() as AddressInfo
    const uid = process.getuid?.()
    expect(socket).toMatchObject({ family, address, port, uid, queueLength: 0, connected: false })
  })

  it.each([
    `${tmpdir()}/socket-port ${process.pid}  a.sock`,
    `${tmpdir()}/socket-port-${process.pid}\nb.sock`,
    `\0socket-port ${process.pid}`,
  ])('shows the path %j', async (path) => {
    const socket = await listen({ path })
    expect(socket).toMatchObject({ family: 'unix', type: 'stream', path: kernelPath(path) })
  })
})

describe('socketInode', () => {
  it('returns no inode for a descriptor that is no socket', () => {
    const fd = openSync('/dev/null', 'r')
    expect(socketInode(fd)).toBeUndefined()
    closeSync(fd)
    expect(socketInode(fd)).toBeUndefined()
    expect(socketInode(-1)).toBeUndefined()
  })
})
