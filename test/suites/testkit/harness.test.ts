import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { now } from '@socket-port/testkit/clock'
import { startGeneration } from '@socket-port/testkit/generation'
import { freePort, listenerBacklog, listenerQueue, openListener } from '@socket-port/testkit/native'
import { ODD_KINDS, openSocket } from '@socket-port/testkit/odd-fds'
import { endProcesses } from '@socket-port/testkit/processes'
import { restartUnderLoad } from '@socket-port/testkit/restart'
import { afterEach, describe, expect, test } from 'vitest'

afterEach(endProcesses)

/** Prints what a manager passed, with the kind of each fd from 3 to 5. */
const REPORT = `
  const { readlinkSync } = require('node:fs')
  const kind = (fd) => {
    try { return readlinkSync('/proc/self/fd/' + fd).split(':')[0] } catch { return null }
  }
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, PATH, VITEST } = process.env
  const own = LISTEN_PID === undefined ? null : Number(LISTEN_PID) === process.pid
  const env = { LISTEN_FDS, LISTEN_FDNAMES, own, path: PATH !== undefined, VITEST }
  console.log(JSON.stringify({ ready: true, env, fds: [3, 4, 5].map(kind) }))
`
const report = { command: [process.execPath, '-e', REPORT] }

describe('a listener', () => {
  test('accepts nobody and keeps its backlog', async () => {
    const listener = openListener({ backlog: 77 })
    const clients = Array.from({ length: 3 }, () => connect(listener.port, '127.0.0.1'))
    await Promise.all(clients.map((client) => once(client, 'connect')))
    expect(listenerQueue(listener.fd)).toBe(3)
    expect(listenerBacklog(listener.fd)).toBe(77)
    for (const client of clients) client.destroy()
    listener.close()
    listener.close()
  })

  test.each([
    ['dual-stack', {}, ['127.0.0.1', '::1']],
    ['IPv4', { host: '127.0.0.1' }, ['127.0.0.1']],
    ['IPv6 only', { ipv6Only: true }, ['::1']],
  ])('is reached where it listens: %s', async (_, options, reached) => {
    const listener = openListener(options)
    const answers = await Promise.all(
      ['127.0.0.1', '::1'].map(async (host) => {
        const client = connect(listener.port, host)
        const answer = await once(client, 'connect').then(
          () => [host],
          () => [],
        )
        client.destroy()
        return answer
      }),
    )
    expect(answers.flat()).toEqual(reached)
    listener.close()
  })

  test('on a unix socket leaves no file behind', () => {
    const path = `/tmp/socket-port-harness-${process.pid}.sock`
    const listener = openListener({ path })
    expect(existsSync(path)).toBe(true)
    listener.close()
    expect(existsSync(path)).toBe(false)
  })

  test('says why it cannot listen', () => {
    const listener = openListener()
    expect(() => openListener({ port: listener.port })).toThrow('bind: EADDRINUSE')
    expect(() => openListener({ host: 'localhost' })).toThrow('not an IP address: "localhost"')
    listener.close()
  })
})

test.each(ODD_KINDS)('an odd fd is close-on-exec and closes: %s', (kind) => {
  const { fd, close } = openSocket(kind)
  const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
  expect(Number.parseInt(flags ?? '0', 8) & 0o2000000).toBe(0o2000000)
  close()
  close()
  expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false)
})

describe('a free port', () => {
  test('is returned once, and is not one of those that another test file takes', () => {
    const ports = Array.from({ length: 500 }, () => freePort())
    expect(new Set(ports).size).toBe(500)
    expect(new Set(ports.map((port) => port % 8)).size).toBe(1)
  })
})

describe('a generation', () => {
  test('gets its sockets from fd 3 on, with its own pid', async () => {
    const [web, admin] = [openListener(), openListener()]
    const sockets = [{ fd: web.fd }, { fd: admin.fd, name: 'admin' }]
    const { env, fds } = await startGeneration({ ...report, sockets }).ready()
    expect(env).toEqual({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'unknown:admin', own: true, path: true })
    expect(fds).toEqual(['socket', 'socket', expect.not.stringMatching('socket')])
    web.close()
    admin.close()
  })

  test('gets no LISTEN_PID, or nothing at all, when asked', async () => {
    const listener = openListener()
    const sockets = [{ fd: listener.fd }]
    const noPid = await startGeneration({ ...report, sockets, inherit: 'no-pid' }).ready()
    expect(noPid).toMatchObject({ env: { LISTEN_FDS: '1', own: null }, fds: { 0: 'socket' } })
    const none = await startGeneration({ ...report, sockets, inherit: 'none' }).ready()
    expect(none.env).toEqual({ own: null, path: true })
    expect(none.fds).toMatchObject({ 0: expect.not.stringMatching('socket') })
    listener.close()
  })

  test('tells when it was ready and how it ended', async () => {
    const before = now()
    const serve = `console.log('{"ready":true,"port":1}'); setInterval(() => {}, 1000)`
    const generation = startGeneration({ command: [process.execPath, '-e', serve] })
    expect(generation.readyAt).toBeUndefined()
    expect(await generation.ready()).toEqual({ ready: true, port: 1 })
    expect(generation.spawnedAt).toBeGreaterThanOrEqual(before)
    expect(generation.readyAt).toBeGreaterThan(generation.spawnedAt)
    generation.signal('SIGTERM')
    const exit = await generation.exit
    expect(exit).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(exit.at).toBeGreaterThan(generation.readyAt ?? Number.POSITIVE_INFINITY)
  })

  test('that ends before it is ready says what it wrote', async () => {
    const command = [process.execPath, '-e', 'console.error("no such port"); process.exit(3)']
    const generation = startGeneration({ command })
    await expect(generation.ready()).rejects.toThrow(/ended with code 3 .*no such port/s)
    expect(await generation.exit).toMatchObject({ code: 3, signal: null })
    expect(generation.stderr).toBe('no such port\n')
  })

  test('that cannot be executed says so', async () => {
    const generation = startGeneration({ command: ['/no/such/program'] })
    await expect(generation.ready()).rejects.toThrow('ENOENT')
    await generation.exit
  })

  test('takes what it started with it', async () => {
    const child = `require('node:child_process').spawn('sleep', ['1000'], { stdio: 'inherit' })`
    const script = `console.log(JSON.stringify({ ready: true, child: ${child}.pid }))`
    const generation = startGeneration({ command: [process.execPath, '-e', script] })
    const ready = await generation.ready()
    expect(existsSync(`/proc/${ready.child}`)).toBe(true)
    // Resolves when nobody holds stdout any more, which the child would for a thousand seconds.
    await generation.dispose()
    expect(existsSync(`/proc/${generation.pid}`)).toBe(false)
  })

  test('talks over IPC when asked, after its sockets', async () => {
    const listener = openListener()
    const script = `process.on('message', (text) => { process.send(text + text, () => process.exit()) })`
    const generation = startGeneration({
      command: [process.execPath, '-e', script],
      sockets: [{ fd: listener.fd }],
      ipc: true,
    })
    generation.child.send('ab')
    const [answer] = await once(generation.child, 'message')
    expect(answer).toBe('abab')
    expect(await generation.exit).toMatchObject({ code: 0 })
    listener.close()
  })
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  'generations end with their harness: %s',
  async (signal) => {
    const server = createServer((socket) => socket.resume()).listen(0)
    await once(server, 'listening')
    const connected = once(server, 'connection') as Promise<[Socket]>
    const address = server.address() as { port: number }
    const inner = `require('node:net').connect(${address.port})`
    const module = import.meta.resolve('@socket-port/testkit/generation')
    const script = `
    import { startGeneration } from '${module}'
    startGeneration({ command: [process.execPath, '-e', ${JSON.stringify(inner)}] })
  `
    const harness = startGeneration({
      command: [process.execPath, '--input-type=module', '-e', script],
    })
    const [socket] = await connected
    const closed = once(socket, 'close')
    harness.signal(signal)
    expect(await harness.exit).toMatchObject({ code: null, signal })
    await closed
    server.close()
  },
)

test('a restart whose new process fails says what it wrote', async () => {
  const path = `/tmp/socket-port-once-${process.pid}`
  const listener = openListener()
  // Serves the first time, fails from then on.
  const script = `
    const fs = require('node:fs')
    if (fs.existsSync('${path}')) throw new Error('no second time')
    fs.writeFileSync('${path}', '')
    require('node:http')
      .createServer((request, response) => {
        response.setHeader('x-request-id', request.headers['x-request-id'])
        response.end()
      })
      .listen({ fd: 3 }, () => console.log('{"ready":true}'))
  `
  const fixture = [process.execPath, '-e', script]
  const restarted = restartUnderLoad({ fixture, listener, mode: 'overlap', restarts: 1 })
  await expect(restarted).rejects.toThrow(/ended with code 1 .*no second time/s)
  rmSync(path)
  listener.close()
})
