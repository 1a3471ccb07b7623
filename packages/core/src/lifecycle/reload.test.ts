import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../base/types.ts'
import { notify } from '../notify/notify.ts'
import { serve } from '../service/serve.ts'
import { ManagerSocket, startedWith } from '../testing/manager-socket.ts'
import { closeAll, onClose } from '../testing/real-sockets.ts'
import { onReload, type ReloadHook } from './reload.ts'
import { shutdown } from './shutdown.ts'

let errors: string[]
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (message) => void errors.push(message),
}

beforeEach(() => {
  errors = []
  startedWith()
})
afterEach(async () => {
  await closeAll()
  expect(process.listenerCount('SIGHUP')).toBe(0)
})

const hup = (): void => void process.emit('SIGHUP')

function reloading(hook: ReloadHook, timeout?: number): void {
  onClose(onReload(hook, { timeout, logger }))
}

describe('onReload', () => {
  it('runs the hooks one after the other at SIGHUP, the oldest first', async () => {
    const events: string[] = []
    reloading(async () => {
      events.push('first')
      await nextTurn()
      events.push('first ends')
    })
    const second = new Promise<void>((ran) => {
      reloading(() => {
        events.push('second')
        ran()
      })
    })
    hup()
    await second
    expect(events).toEqual(['first', 'first ends', 'second'])
  })

  it('listens to SIGHUP only while there is a hook', () => {
    expect(process.listenerCount('SIGHUP')).toBe(0)
    const takeBack = [onReload(() => {}), onReload(() => {})]
    expect(process.listenerCount('SIGHUP')).toBe(1)
    takeBack[0]?.()
    takeBack[0]?.()
    expect(process.listenerCount('SIGHUP')).toBe(1)
    takeBack[1]?.()
    expect(process.listenerCount('SIGHUP')).toBe(0)
  })

  it('makes one more reload of all signals that come during one', async () => {
    const ends: (() => void)[] = []
    let ran = (): void => {}
    const hook = vi.fn(() => {
      ran()
      return new Promise<void>((resolve) => void ends.push(resolve))
    })
    reloading(hook)
    hup()
    hup()
    hup()
    expect(hook).toHaveBeenCalledTimes(1)
    const again = new Promise<void>((resolve) => (ran = resolve))
    ends[0]?.()
    await again
    ends[1]?.()
    await nextTurn()
    expect(hook).toHaveBeenCalledTimes(2)
    hup()
    expect(hook).toHaveBeenCalledTimes(3)
    ends[2]?.()
    await nextTurn()
  })

  it('goes on when a hook fails or hangs, and says so', async () => {
    reloading(function readCertificate() {
      throw new Error('no such file')
    })
    reloading(() => new Promise(() => {}), 10)
    const published = new Promise((resolve) => {
      subscribe('socket-port.reload', resolve)
      onClose(() => unsubscribe('socket-port.reload', resolve))
    })
    reloading(() => {})
    hup()
    expect(await published).toEqual({ ok: false, failed: 2, duration: expect.any(Number) })
    expect(errors).toEqual([
      expect.stringMatching(/^the reload hook readCertificate failed: Error: no such file\n/),
      expect.stringMatching(/^the reload hook \(anonymous\) did not end within 10 ms; /),
    ])
  })

  it('does nothing while the process shuts down', async () => {
    const hook = vi.fn()
    reloading(hook)
    const service = await serve(createServer(), { port: 0, signals: false, exit: false })
    onClose(() => service.close())
    const ended = shutdown()
    hup()
    await ended
    expect(hook).not.toHaveBeenCalled()
  })

  it('refuses a hook that is no function, and a wrong time-out', () => {
    expect(() => onReload('x' as unknown as ReloadHook)).toThrow(/a reload hook must be a function/)
    expect(() => onReload(() => {}, { timeout: -1 })).toThrow(/timeout must be/)
  })
})

describe(...requireOrSkip('a reload', linuxSkipReason()), () => {
  let manager: ManagerSocket
  const RELOADING = expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/)

  beforeEach(() => {
    manager = new ManagerSocket()
    startedWith({ NOTIFY_SOCKET: manager.address })
  })

  it('tells the manager when it begins, with the time, and when it is over', async () => {
    let end = (): void => {}
    reloading(() => new Promise<void>((resolve) => (end = resolve)))
    notify({ ready: true })
    hup()
    expect(manager.texts()).toEqual(['READY=1', RELOADING])
    await nextTurn()
    expect(manager.texts()).toEqual([])
    end()
    await nextTurn()
    expect(manager.texts()).toEqual(['READY=1'])
  })

  it('that fails is shown in the status, until one succeeds', async () => {
    let problem: string | undefined = 'no such file'
    const hook = vi.fn(async function readCertificate() {
      if (problem) throw new Error(problem)
    })
    onClose(onReload(async function readCertificate() { await hook() }, { logger })) // biome-ignore format: one line
    notify({ ready: true, status: 'listening on /run/app.sock' })
    manager.texts()
    const outcome = async (): Promise<string | undefined> => {
      hup()
      await nextTurn()
      await nextTurn()
      return manager.texts()[1]
    }
    const failed = 'READY=1\nSTATUS=reload failed: readCertificate failed: Error: '
    expect(await outcome()).toBe(`${failed}no such file`)
    problem = 'empty'
    expect(await outcome()).toBe(`${failed}empty`)
    problem = undefined
    expect(await outcome()).toBe('READY=1\nSTATUS=listening on /run/app.sock')
    expect(await outcome()).toBe('READY=1')
  })

  it('tells the manager nothing before the process is ready', async () => {
    const hook = vi.fn()
    reloading(hook)
    hup()
    await nextTurn()
    expect(hook).toHaveBeenCalledOnce()
    expect(manager.texts()).toEqual([])
  })

  it('does not end with READY=1 when a shutdown begins meanwhile', async () => {
    let end = (): void => {}
    reloading(() => new Promise<void>((resolve) => (end = resolve)))
    const drain = { idle: 'promise' } as const
    const service = await serve(createServer(), { port: 0, signals: false, exit: false, drain })
    onClose(() => service.close())
    await nextTurn()
    hup()
    hup()
    const ended = shutdown()
    end()
    await ended
    await nextTurn()
    expect(manager.texts().map((text) => text.split('\n')[0])).toEqual([
      'READY=1',
      'RELOADING=1',
      'STOPPING=1',
    ])
  })
})
