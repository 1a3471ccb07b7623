import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Generation,
  type GenerationOptions,
  startGeneration,
} from '@socket-port/testkit/generation'
import { endProcesses } from '@socket-port/testkit/processes'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { afterEach, describe, expect, it } from 'vitest'
import { parseNotifyAddress } from '../../../packages/core/src/notify/address.ts'
import { sendDatagram } from '../../../packages/core/src/notify/socket.ts'
import { loadLibc } from '../../../packages/core/src/sockets/libc.ts'
import { ManagerSocket } from '../../../packages/core/src/testing/manager-socket.ts'
import { closeAll } from '../../../packages/core/src/testing/real-sockets.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))

afterEach(async () => {
  await endProcesses()
  await closeAll()
})

// What is handed over is said to the manager too, and has warnings of its own.
const NO_HAND_OVER = JSON.stringify({ drain: { idle: 'promise' } })

interface Started {
  process: Generation
  port: number
  env: unknown
}

async function start(NOTIFY_SOCKET?: string, options: GenerationOptions = {}): Promise<Started> {
  const { env, ...rest } = options
  const socket = NOTIFY_SOCKET === undefined ? {} : { NOTIFY_SOCKET }
  const process = startGeneration({
    script: fixture('core-notify.mjs'),
    ...rest,
    env: { ...socket, ...env },
  })
  const { port = 0, env: seen } = await process.ready()
  return { process, port, env: seen }
}

/** It answers, drains, and ends as if there were no manager. */
async function servesAndEnds({ process, port }: Started): Promise<void> {
  const connection = await RawConnection.open(port)
  connection.send(get('/', 'Connection: close'))
  await connection.receive(/ok$/)
  process.signal('SIGTERM')
  expect(await process.exit).toMatchObject({ code: 0, signal: null })
}

/** Sends until there is no room. */
function fill(manager: ManagerSocket): void {
  const address = parseNotifyAddress(manager.address)
  if (typeof address === 'string') throw new Error(address)
  const datagram = { bytes: Buffer.from('STATUS=full'), fds: [] }
  expect(() => {
    for (;;) sendDatagram(loadLibc(), address, datagram)
  }).toThrow(/sendmsg failed .* errno 11/)
}

describe('a server that tells its manager', () => {
  it('says when it listens, stops and what is left, byte for byte', async () => {
    const manager = new ManagerSocket()
    const started = await start(manager.address, {
      env: {
        WATCHDOG_USEC: '60000000',
        WATCHDOG_PID: '1',
        OPTIONS: NO_HAND_OVER,
      },
    })
    const url = `http://localhost:${started.port}`
    const [ready] = await manager.next()
    expect(ready?.text).toBe(`READY=1\nSTATUS=listening on ${url}`)
    expect(started.env).toEqual([])
    started.process.signal('SIGTERM')
    expect(await started.process.exit).toMatchObject({ code: 0, signal: null })
    expect(manager.texts()).toEqual([
      'STOPPING=1\nSTATUS=draining: 0 connections left\nEXTEND_TIMEOUT_USEC=5000000',
    ])
    expect(started.process.stderr).toBe('')
  })

  it('says nothing of a start that fails', async () => {
    const manager = new ManagerSocket()
    const { port } = await start()
    const second = startGeneration({
      script: fixture('core-notify.mjs'),
      env: { NOTIFY_SOCKET: manager.address, OPTIONS: JSON.stringify({ port }) },
    })
    expect(await second.exit).toMatchObject({ code: 1 })
    expect(manager.texts()).toEqual([])
  })

  it('does not mind that nobody reads, and ends in time', async () => {
    const manager = new ManagerSocket()
    fill(manager)
    const started = await start(manager.address)
    await servesAndEnds(started)
    expect(started.process.stderr).toBe('')
    expect(new Set(manager.texts())).toEqual(new Set(['STATUS=full']))
  })

  it('says once that the manager is gone', async () => {
    const manager = new ManagerSocket()
    manager.close()
    const started = await start(manager.address)
    await servesAndEnds(started)
    expect(started.process.stderr).toMatch(
      /^socket-port: warning: notifications do not reach the manager: .* ECONNREFUSED\. [^\n]*\n$/,
    )
  })

  it.each([
    ['is absent', '/nowhere/notify', [], /connect failed with ENOENT/],
    ['is garbage', 'nonsense', [], /NOTIFY_SOCKET is "nonsense"/],
    ['is too long', `/${'x'.repeat(200)}`, [], /201 bytes long/],
    ['needs native code that is not allowed', '/run', ['--no-addons'], /libc cannot be used/],
  ])('says once that the socket %s', async (_, address, flags, warning) => {
    const program = [process.execPath, ...flags, fixture('core-notify.mjs')]
    const command = ['/bin/sh', '-c', 'exec "$0" "$@" 2>&1', ...program]
    const started = await start(address, { command, env: { OPTIONS: NO_HAND_OVER } })
    // Without native code it comes when systemd-notify has ended.
    await started.process.printed(warning)
    await servesAndEnds(started)
    expect(started.process.stdout.match(/^socket-port: /gm)).toHaveLength(1)
  })

  it('loads no native code where there is no manager', async () => {
    const without = await start()
    const manager = new ManagerSocket()
    const withOne = await start(manager.address)
    await manager.next()
    const maps = ({ process }: Started): string => readFileSync(`/proc/${process.pid}/maps`, 'utf8')
    expect(maps(without)).not.toContain('koffi')
    expect(maps(withOne)).toContain('koffi')
  })
})

describe.each(['thread', 'cluster'])('a worker (%s)', (KIND) => {
  it('does not speak for the process, which can speak for it', async () => {
    const manager = new ManagerSocket()
    const { process } = await start(manager.address, {
      script: fixture('core-notify-worker.mjs'),
      env: { KIND },
    })
    expect(manager.texts()).toEqual([])
    process.signal('SIGUSR2')
    const [ready] = await manager.next()
    expect(ready?.text).toBe('READY=1\nSTATUS=the worker listens')
    expect(process.stderr).toBe('')
  })
})
