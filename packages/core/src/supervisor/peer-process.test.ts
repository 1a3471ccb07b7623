import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { descriptorOf } from '../node/tcp-handle.ts'
import { loadLibc } from '../sockets/libc.ts'
import { peerOf } from '../sockets/peer.ts'
import { peerProcess } from './peer-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'socket-port-peer-'))
const path = join(folder, 'a.sock')
let server: Server
beforeAll(async () => {
  server = createServer().listen(path)
  await once(server, 'listening')
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

/** A process that connects, and gives its connection to a process of its own. */
async function connected(): Promise<{ child: ChildProcess; socket: Socket; pid: number }> {
  const code = `const socket = require('node:net').connect(process.argv[1], () => {
    require('node:child_process').spawn('cat', { stdio: [socket, 'ignore', 'ignore'] })
    process.stdin.resume().once('data', () => process.exit())
  })`
  const child = spawn(process.execPath, ['-e', code, path], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const [socket] = (await once(server, 'connection')) as [Socket]
  return { child, socket, pid: peerOf(descriptorOf(socket))?.pid ?? -1 }
}

describe(...requireOrSkip('peerProcess', linuxSkipReason()), () => {
  it('is the process that has connected, and gets signals until it has ended', async () => {
    const { child, socket, pid } = await connected()
    expect(pid).toBe(child.pid)
    const peer = peerProcess(descriptorOf(socket), pid)
    expect(peer).toMatchObject({ pid, isRunning: true })
    peer?.signal('SIGTERM')
    const [, signal] = await once(child, 'exit')
    expect(signal).toBe('SIGTERM')
    expect(peer?.isRunning).toBe(false)
    // Its pid may belong to another process now.
    peer?.signal('SIGTERM')
    peer?.close()
    peer?.close()
    peer?.signal('SIGTERM')
    socket.destroy()
  })

  it('is undefined when the process has ended, although another one holds its connection', async () => {
    const { child, socket, pid } = await connected()
    child.stdin?.end('end')
    await once(child, 'exit')
    expect(socket.readyState).toBe('open')
    // This process stands for one that has got the same pid since.
    expect(peerProcess(descriptorOf(socket), pid)).toBeUndefined()
    expect(peerProcess(descriptorOf(socket), process.pid)).toBeUndefined()
    // Kernels before Linux 6.16 say so with ESRCH.
    const getsockopt = (): never => {
      throw new Error('getsockopt failed with errno 3')
    }
    const older = { ...loadLibc(), getsockopt }
    expect(peerProcess(descriptorOf(socket), process.pid, older)).toBeUndefined()
    socket.destroy()
  })

  it('is found by its pid if the kernel has no SO_PEERPIDFD', async () => {
    const { child, socket, pid } = await connected()
    const older = { ...loadLibc(), getsockopt: () => undefined }
    const peer = peerProcess(descriptorOf(socket), pid, older)
    expect(peer).toMatchObject({ pid, isRunning: true })
    peer?.close()
    expect(
      peerProcess(descriptorOf(socket), pid, { ...older, pidfdOpen: () => undefined }),
    ).toBeUndefined()
    child.kill()
    socket.destroy()
  })
})
