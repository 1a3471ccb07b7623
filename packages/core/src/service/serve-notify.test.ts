import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createNet } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { get, RawConnection } from '@socket-port/testkit/raw-connection'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger, ServeOptions, Service } from '../base/types.ts'
import { onShutdown, shutdown } from '../lifecycle/shutdown.ts'
import { notify } from '../notify/notify.ts'
import { beginStart, whenAllListen } from '../notify/readiness.ts'
import { ManagerSocket, startedWith } from '../testing/manager-socket.ts'
import { closeAll, onClose } from '../testing/real-sockets.ts'
import { attach } from './attach.ts'
import { serve } from './serve.ts'

type Exchange = [IncomingMessage, ServerResponse]

let manager: ManagerSocket
let warnings: string[]
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message) => void warnings.push(message),
  error: (message) => void warnings.push(message),
}
const own: ServeOptions = { signals: false, exit: false, host: '127.0.0.1', logger }

// With its code loaded, a drain begins at once.
beforeEach(() => {
  warnings = []
  manager = new ManagerSocket()
  startedWith({ NOTIFY_SOCKET: manager.address })
})
afterEach(async () => {
  vi.useRealTimers()
  await closeAll()
})

async function serving(options: ServeOptions = {}, server = createServer()): Promise<Service> {
  // What is handed over is said to the manager too.
  const drain = { idle: 'promise', ...options.drain } as const
  const service = await serve(server, { ...own, ...options, drain })
  onClose(() => service.close({ quick: true }))
  return service
}

it('publishes once that the process is ready, when all servers listen, also without a manager', async () => {
  startedWith()
  const events: unknown[] = []
  const heard = (event: unknown): void => void events.push(event)
  subscribe('socket-port.ready', heard)
  onClose(() => unsubscribe('socket-port.ready', heard))
  await Promise.all([serving({ notify: false }), serving()])
  await new Promise<void>(whenAllListen)
  await serving()
  await new Promise<void>(whenAllListen)
  expect(events).toEqual([{ duration: expect.any(Number) }])
})

describe(...requireOrSkip('READY=1', linuxSkipReason()), () => {
  it('is sent once, with the address', async () => {
    const { url } = await serving()
    expect(manager.texts()).toEqual([])
    await nextTurn()
    expect(manager.texts()).toEqual([`READY=1\nSTATUS=listening on ${url}`])
    await serving()
    await nextTurn()
    expect(manager.texts()).toEqual([])
  })

  it('waits for servers that are started one after the other, and at the same time', async () => {
    const first = await serving()
    const [second, third] = await Promise.all([serving(), serving()])
    await nextTurn()
    expect(manager.texts()).toEqual([
      `READY=1\nSTATUS=listening on ${[first, second, third].map(({ url }) => url).join(', ')}`,
    ])
  })

  it('is sent for an attached server, and for one that listened before', async () => {
    const later = createServer()
    attach(later, { signals: false, exit: false })
    later.listen(0, '127.0.0.1')
    await once(later, 'listening')
    const earlier = createServer().listen(0, '127.0.0.1')
    await once(earlier, 'listening')
    const attached = attach(earlier, { signals: false, exit: false })
    onClose(() => Promise.all([attached.drain(), later.close()]))
    await nextTurn()
    await nextTurn()
    expect(manager.texts()).toEqual([expect.stringMatching(/^READY=1\nSTATUS=listening on http/)])
  })

  it('is not sent if a server cannot listen, and a warning says what to do', async () => {
    const { port = 0 } = await serving({ notify: false })
    const failing = expect(serving({ port })).rejects.toThrow(/EADDRINUSE/)
    await Promise.all([serving(), failing])
    await nextTurn()
    await nextTurn()
    expect(manager.texts()).toEqual([])
    expect(warnings).toEqual([
      expect.stringMatching(/READY=1 is not sent.*call notify\(\{ ready: true \}\)/),
    ])
  })

  it('is sent when that server has found another port', async () => {
    const { port = 0 } = await serving({ notify: false })
    const server = createServer()
    await expect(serving({ port }, server)).rejects.toThrow(/EADDRINUSE/)
    const { url } = await serving({ port: 0 }, server)
    await nextTurn()
    expect(manager.texts()).toEqual([`READY=1\nSTATUS=listening on ${url}`])
    expect(warnings).toEqual([])
  })

  it('is sent when a server has found another port in its error listener', async () => {
    const { port } = await serving({ notify: false })
    const server = createServer()
    const attached = attach(server, { signals: false, exit: false, logger })
    onClose(() => attached.drain())
    const listening = new Promise((resolve) => server.once('listening', resolve))
    server.once('error', () => server.listen(0, '127.0.0.1'))
    server.listen(port, '127.0.0.1')
    await listening
    await nextTurn()
    await nextTurn()
    expect(manager.texts()).toEqual([`READY=1\nSTATUS=listening on ${attached.service?.url}`])
    expect(warnings).toEqual([])
  })

  describe('cannot be taken back if a later server cannot listen', () => {
    const FAILED = /^STATUS=a server cannot listen: .*\(EADDRINUSE\)/

    async function ready(): Promise<{ url: string; taken: number }> {
      const [{ port = 0 }, { url }] = [await serving({ notify: false }), await serving()]
      await nextTurn()
      expect(manager.texts()).toEqual([`READY=1\nSTATUS=listening on ${url}`])
      return { url, taken: port }
    }

    it('so STATUS= says so, and one error says what to do', async () => {
      const { taken } = await ready()
      await expect(serving({ port: taken })).rejects.toThrow(/EADDRINUSE/)
      await nextTurn()
      expect(manager.texts()).toEqual([expect.stringMatching(FAILED)])
      const expected = [
        expect.stringMatching(
          /^a server cannot listen, but READY=1 was sent before .*notify\(\{ ready: true \}\)/,
        ),
      ]
      expect(warnings).toEqual(expected)
      await expect(serving({ port: taken })).rejects.toThrow(/EADDRINUSE/)
      await nextTurn()
      expect(warnings).toEqual(expected)
    })

    it('and STATUS= is restored when that server listens', async () => {
      const { url, taken } = await ready()
      const server = createServer()
      await expect(serving({ port: taken }, server)).rejects.toThrow(/EADDRINUSE/)
      await nextTurn()
      expect(manager.texts()).toEqual([expect.stringMatching(FAILED)])
      await serving({ port: 0 }, server)
      await nextTurn()
      expect(manager.texts()).toEqual([`STATUS=listening on ${url}`])
    })

    it('but a server that tries another port at once has not failed', async () => {
      const { taken } = await ready()
      const server = createServer()
      const attached = attach(server, { signals: false, exit: false, logger })
      onClose(() => attached.drain())
      server.once('error', () => server.listen(0, '127.0.0.1'))
      const listening = new Promise((resolve) => server.once('listening', resolve))
      server.listen(taken, '127.0.0.1')
      await listening
      await nextTurn()
      await nextTurn()
      expect(manager.texts()).toEqual([])
      expect(warnings).toEqual([])
    })

    it('nor is a server that the program has started with notify: false', async () => {
      const { taken } = await ready()
      await expect(serving({ port: taken, notify: false })).rejects.toThrow(/EADDRINUSE/)
      await nextTurn()
      expect(manager.texts()).toEqual([])
      expect(warnings).toEqual([])
    })

    it('and a STATUS= of the program is left alone', async () => {
      const { taken } = await ready()
      const server = createServer()
      await expect(serving({ port: taken }, server)).rejects.toThrow(/EADDRINUSE/)
      await nextTurn()
      notify({ status: 'own' })
      await serving({ port: 0 }, server)
      await nextTurn()
      expect(manager.texts()).toEqual([expect.stringMatching(FAILED), 'STATUS=own'])
    })
  })

  it('does not wait for a server that was closed while it started', async () => {
    const aborted = new AbortController()
    const start = serving({ signal: aborted.signal, host: 'localhost' })
    const gone = expect(start).rejects.toThrow('enough')
    aborted.abort(new Error('enough'))
    const { url } = await serving()
    await gone
    await nextTurn()
    await nextTurn()
    expect(manager.texts()).toEqual([`READY=1\nSTATUS=listening on ${url}`])
  })

  it('is left to a program that sends it itself', async () => {
    const { port } = await serving({ notify: false })
    await nextTurn()
    expect(manager.texts()).toEqual([])
    expect(process.env.NOTIFY_SOCKET).toBe(manager.address)
    expect(notify({ ready: true, status: `serving ${port}` })).toBe(true)
    await serving()
    await nextTurn()
    expect(manager.texts()).toEqual([`READY=1\nSTATUS=serving ${port}`])
  })

  it('claims the variables as soon as a server starts', async () => {
    const start = serving()
    expect(process.env.NOTIFY_SOCKET).toBeUndefined()
    await start
  })
})

describe('whenAllListen', () => {
  it('calls back when no service is about to listen, with READY=1 or without it', async () => {
    const callback = vi.fn()
    const start = beginStart({ listening: true }, false, logger)
    await serving()
    whenAllListen(callback)
    await nextTurn()
    expect(callback).not.toHaveBeenCalled()
    start.listening(() => 'http://localhost:1')
    await nextTurn()
    expect(callback).toHaveBeenCalledOnce()
    await serving()
    await nextTurn()
    expect(callback).toHaveBeenCalledOnce()
  })

  it('calls back soon if no server starts', async () => {
    const callback = vi.fn()
    whenAllListen(callback)
    expect(callback).not.toHaveBeenCalled()
    await nextTurn()
    expect(callback).toHaveBeenCalledOnce()
  })
})

describe(...requireOrSkip('STOPPING=1', linuxSkipReason()), () => {
  async function started(options: ServeOptions = {}, server?: Server): Promise<Service> {
    const service = await serving(options, server)
    await nextTurn()
    manager.texts()
    return service
  }

  it('is sent when the shutdown begins, with what is left and a request for more time', async () => {
    await started()
    const ended = shutdown()
    expect(manager.texts()).toEqual([
      'STOPPING=1\nSTATUS=draining: 0 connections left\nEXTEND_TIMEOUT_USEC=5000000',
    ])
    await ended
    expect(manager.texts()).toEqual([])
  })

  it('is not sent when one service closes', async () => {
    const service = await started()
    await service.close()
    expect(manager.texts()).toEqual([])
  })

  it('is not sent for servers with notify: false', async () => {
    await started({ notify: false })
    notify({ ready: true })
    manager.texts()
    await shutdown()
    expect(manager.texts()).toEqual([])
  })

  it('is sent without a server, too, if the program has notified the manager', async () => {
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never)
    onClose(() => exit.mockRestore())
    notify({ ready: true })
    await shutdown()
    expect(exit).toHaveBeenCalledExactlyOnceWith()
    expect(manager.texts()).toEqual([
      'READY=1',
      'STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=5000000',
    ])
  })

  it('is followed each second by what has changed, until the end, and by no READY=1', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const server = createServer()
    const { port = 0 } = await started({ drain: { idleTimeout: 25_000 } }, server)
    const held = await RawConnection.open(port)
    const idle = await RawConnection.open(port)
    held.send(get('/'))
    const [, heldResponse] = (await once(server, 'request')) as Exchange
    idle.send(get('/'))
    const [idleRequest, idleResponse] = (await once(server, 'request')) as Exchange
    idleResponse.end('held')
    await idle.receive(/held$/)
    let endHook = (): void => {}
    const hookRuns = new Promise<void>((runs) => {
      onShutdown(() => {
        runs()
        return new Promise<void>((resolve) => (endHook = resolve))
      })
    })

    const ended = shutdown()
    const ask = 'EXTEND_TIMEOUT_USEC=5000000'
    expect(manager.texts()).toEqual([
      `STOPPING=1\nSTATUS=draining: 2 connections; 25 s left\n${ask}`,
    ])
    await nextTurn()
    vi.advanceTimersByTime(2_000)
    expect(manager.texts()).toEqual(
      [24, 23].map(
        (left) => `STATUS=draining: 1 request, 1 idle connection; ${left} s left\n${ask}`,
      ),
    )
    const seen = once(idleRequest.socket, 'close')
    idle.close()
    await seen
    vi.advanceTimersByTime(2_000)
    expect(manager.texts()).toEqual(
      [22, 21].map((left) => `STATUS=draining: 1 request; ${left} s left\n${ask}`),
    )
    heldResponse.end('held')
    await held.receive(/held$/)
    await held.closed
    await hookRuns
    expect(notify({ ready: true })).toBe(false)
    vi.advanceTimersByTime(1_000)
    expect(manager.texts()).toEqual([`STATUS=running the shutdown hooks\n${ask}`])
    endHook()
    await ended
    vi.advanceTimersByTime(10_000)
    expect(manager.texts()).toEqual([])
  })

  it('asks for no more time than the timeout of the drain', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const server = createNet()
    const { port = 0 } = await started(
      { drain: { timeout: 3_000, idle: 'promise' } },
      server as Server,
    )
    const accepted = once(server, 'connection')
    const connection = await RawConnection.open(port)
    await accepted
    const ended = shutdown()
    vi.advanceTimersByTime(60_000)
    const ask = 'EXTEND_TIMEOUT_USEC=5000000'
    expect(manager.texts()).toEqual([
      expect.stringMatching(/^STOPPING=1\n/),
      `STATUS=draining: 1 connection; 2 s left\n${ask}`,
      `STATUS=draining: 1 connection; 1 s left\n${ask}`,
      `STATUS=draining: 1 connection; 0 s left\n${ask}`,
    ])
    connection.close()
    await ended
  })
})
