import { closeSync, fstatSync, openSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Logger } from '../base/types.ts'
import { ManagerSocket, startedWith } from '../testing/manager-socket.ts'
import { closeAll, descriptors, temporaryDirectory } from '../testing/real-sockets.ts'
import { managerListens, notifier } from './notifier.ts'
import { notify, notifyBarrier } from './notify.ts'
import { sendNotification } from './send.ts'

const load = vi.hoisted(() => vi.fn())
vi.mock(import('../sockets/libc.ts'), async (original) => {
  const real = await original()
  return { ...real, loadLibc: load.mockImplementation(real.loadLibc) }
})

let warnings: string[]
const logger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message) => void warnings.push(message),
  error: (message) => void warnings.push(message),
}

beforeEach(() => {
  warnings = []
  startedWith()
})
afterEach(closeAll)

/** Makes the process one that this manager has started. */
function startedBy(manager: ManagerSocket, variables: Record<string, string> = {}): ManagerSocket {
  startedWith({ NOTIFY_SOCKET: manager.address, ...variables })
  return manager
}

describe(...requireOrSkip('notify', linuxSkipReason()), () => {
  it.each([
    ['a path', undefined],
    ['an abstract name', `@socket-port-test-${process.pid}`],
  ])('sends one datagram for one message, to %s', (_, address) => {
    const manager = startedBy(new ManagerSocket(address))
    expect(notify({ ready: true, status: 'up\nand running', mainPid: process.pid })).toBe(true)
    expect(notify({ stopping: true })).toBe(true)
    expect(manager.texts()).toEqual([
      `READY=1\nMAINPID=${process.pid}\nSTATUS=up and running`,
      'STOPPING=1',
    ])
  })

  it('sends the time of a reload in the same datagram', () => {
    const manager = startedBy(new ManagerSocket())
    notify({ reloading: true })
    expect(manager.texts()).toEqual([expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/)])
  })

  it('removes the variables from the environment of child processes', () => {
    startedBy(new ManagerSocket(), { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' })
    notify({ status: 'up' })
    const left = Object.keys(process.env).filter((name) => /^(NOTIFY|WATCHDOG)_/.test(name))
    expect(left).toEqual([])
    expect(notify({ status: 'still up' })).toBe(true)
  })

  it('claims no variable for the question whether a manager listens', () => {
    const manager = startedBy(new ManagerSocket(), { WATCHDOG_USEC: '1000000' })
    expect(managerListens()).toBe(true)
    expect(process.env).toMatchObject({
      NOTIFY_SOCKET: manager.address,
      WATCHDOG_USEC: '1000000',
    })
    expect(manager.texts()).toEqual([])
    notify({ status: 'up' })
    expect(managerListens()).toBe(true)
    expect(manager.texts()).toEqual(['WATCHDOG=1', 'STATUS=up'])
  })

  it('returns false without a manager, logs nothing, and loads no native code', async () => {
    load.mockClear()
    expect(notify({ ready: true }, { logger })).toBe(false)
    expect(sendNotification({ FDSTORE: 1 }, [0], logger)).toBe(false)
    expect(await notifyBarrier({ logger })).toBe(false)
    expect(managerListens()).toBe(false)
    expect(warnings).toEqual([])
    expect(load).not.toHaveBeenCalled()
  })

  it('still throws for a wrong message', () => {
    expect(() => notify({})).toThrow(/not empty/)
    expect(() => notify({ ready: true }, { logger: {} as Logger })).toThrow(/logger must be/)
  })

  it('warns once that the manager is gone, and finds the next one', () => {
    const manager = startedBy(new ManagerSocket())
    manager.close()
    expect(notify({ ready: true }, { logger })).toBe(false)
    expect(notify({ status: 'up' }, { logger })).toBe(false)
    expect(warnings).toEqual([
      'notifications do not reach the manager: connect failed with ECONNREFUSED. Start ' +
        'the process with the manager that listens on NOTIFY_SOCKET, or unset it',
    ])
    manager.replace()
    expect(notify({ status: 'up again' }, { logger })).toBe(true)
    expect(manager.texts()).toEqual(['STATUS=up again'])
    expect(warnings).toHaveLength(1)
  })

  it.each([
    ['is absent', '/nowhere/notify', /connect failed with ENOENT/],
    ['is no socket', '/dev/null', /connect failed with ECONNREFUSED/],
    ['has too long a path', `/${'x'.repeat(107)}`, /108 bytes long; .* at most 107; unset it/],
    [
      'is none',
      'run/notify',
      /is not an absolute path, an abstract @name or vsock:CID:PORT; unset it/,
    ],
  ])('warns once that the socket %s', (_, NOTIFY_SOCKET, warning) => {
    startedWith({ NOTIFY_SOCKET })
    expect(notify({ ready: true }, { logger })).toBe(false)
    expect(notify({ status: 'up' }, { logger })).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(warning)])
  })

  it('says how to repair it if native code may not be loaded', () => {
    startedBy(new ManagerSocket())
    load.mockImplementationOnce(() => {
      throw new Error('Cannot find module\nRequire stack: …')
    })
    // A descriptor goes through libc only.
    expect(sendNotification({ FDSTORE: 1 }, [0], logger)).toBe(false)
    expect(warnings).toEqual([
      'notifications do not reach the manager: libc cannot be used (Cannot find module). ' +
        `Install the optional dependency @koromix/koffi-linux-${process.arch} and allow native code ` +
        '(--allow-addons)',
    ])
  })

  it('lets messages wait for room, in order, and leaves no descriptor behind', async () => {
    const manager = startedBy(new ManagerSocket())
    const open = descriptors().length
    const texts = Array.from({ length: 40 }, (_, index) => `STATUS=${index}`)
    for (let index = 0; index < texts.length; index += 1) {
      expect(notify({ status: String(index) }, { logger })).toBe(true)
    }
    const read: string[] = []
    while (read.length < texts.length) {
      const received = await manager.next()
      read.push(...received.map(({ text }) => text))
    }
    expect(read).toEqual(texts)
    expect(warnings).toEqual([])
    expect(descriptors()).toHaveLength(open)
  })

  it('sends no READY=1 after STOPPING=1', () => {
    const manager = startedBy(new ManagerSocket())
    notify({ stopping: true })
    expect(notify({ ready: true })).toBe(false)
    expect(notify({ reloading: true })).toBe(false)
    expect(notify({ status: 'nearly done' })).toBe(true)
    expect(manager.texts()).toEqual(['STOPPING=1', 'STATUS=nearly done'])
  })

  it('is one sender for two copies of the package', async () => {
    const manager = startedBy(new ManagerSocket())
    notify({ status: 'one' })
    vi.resetModules()
    const copy = await import('./notify.ts')
    expect(copy.notify).not.toBe(notify)
    copy.notify({ status: 'two' })
    expect(manager.texts()).toEqual(['STATUS=one', 'STATUS=two'])
  })
})

describe(...requireOrSkip('sendNotification', linuxSkipReason()), () => {
  it('sends descriptors along, and leaves them to the caller', () => {
    const manager = startedBy(new ManagerSocket())
    const fd = openSync(temporaryDirectory(), 'r')
    expect(sendNotification({ FDSTORE: 1, FDNAME: 'web' }, [fd, fd])).toBe(true)
    const [{ text, fds } = { text: '', fds: [] }] = manager.received()
    expect(text).toBe('FDSTORE=1\nFDNAME=web')
    expect(fds.map((each) => fstatSync(each).ino)).toEqual([fstatSync(fd).ino, fstatSync(fd).ino])
    for (const each of [fd, ...fds]) closeSync(each)
  })

  it('keeps duplicates of the descriptors of a message that waits, and closes them afterwards', async () => {
    const manager = startedBy(new ManagerSocket())
    const open = descriptors().length
    for (let index = 0; index < 20; index += 1) notify({ status: String(index) })
    const fd = openSync(temporaryDirectory(), 'r')
    const { ino } = fstatSync(fd)
    expect(sendNotification({ FDSTORE: 1 }, [fd])).toBe(true)
    closeSync(fd)
    let last = (await manager.next()).at(-1)
    while (last?.fds.length === 0) last = (await manager.next()).at(-1)
    expect(last?.fds.map((each) => fstatSync(each).ino)).toEqual([ino])
    last?.fds.forEach(closeSync)
    expect(descriptors()).toHaveLength(open)
  })
})

describe(...requireOrSkip('notifyBarrier', linuxSkipReason()), () => {
  it('passes when the manager has closed its end, after the messages before it', async () => {
    const manager = startedBy(new ManagerSocket())
    const open = descriptors().length
    notify({ status: 'before' })
    const passed = notifyBarrier()
    const [before, barrier] = manager.received()
    expect(before?.text).toBe('STATUS=before')
    expect(barrier).toMatchObject({ text: 'BARRIER=1', fds: [expect.any(Number)] })
    expect(await Promise.race([passed, nextTurn('waits')])).toBe('waits')
    barrier?.fds.forEach(closeSync)
    expect(await passed).toBe(true)
    expect(descriptors()).toHaveLength(open)
  })

  it('is false where the manager does not read in time', async () => {
    startedBy(new ManagerSocket())
    const open = descriptors().length
    expect(await notifyBarrier({ timeout: 10, logger })).toBe(false)
    expect(warnings).toEqual([])
    expect(descriptors()).toHaveLength(open)
  })

  it('waits behind messages that wait for room', async () => {
    const manager = startedBy(new ManagerSocket())
    for (let index = 0; index < 20; index += 1) notify({ status: String(index) })
    const passed = notifyBarrier()
    for (let last = ''; last !== 'BARRIER=1'; ) {
      for (const { text, fds } of await manager.next()) {
        last = text
        fds.forEach(closeSync)
      }
    }
    expect(await passed).toBe(true)
  })

  it('is false, with a warning, if no process reads', async () => {
    startedBy(new ManagerSocket()).close()
    const open = descriptors().length
    expect(await notifyBarrier({ logger })).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(/ECONNREFUSED/)])
    expect(descriptors()).toHaveLength(open)
  })

  it('refuses a wrong time-out', async () => {
    await expect(notifyBarrier({ timeout: -1 })).rejects.toThrow(/timeout must be/)
  })
})

describe(...requireOrSkip('the watchdog', linuxSkipReason()), () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  it('gets keep-alives at half of its time-out, from the first message on', () => {
    const manager = startedBy(new ManagerSocket(), {
      WATCHDOG_USEC: '3000000',
      WATCHDOG_PID: String(process.pid),
    })
    notifier()
    expect(manager.texts()).toEqual(['WATCHDOG=1'])
    vi.advanceTimersByTime(1_499)
    expect(manager.texts()).toEqual([])
    vi.advanceTimersByTime(1)
    expect(manager.texts()).toEqual(['WATCHDOG=1'])
    vi.advanceTimersByTime(3_000)
    expect(manager.texts()).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
  })

  it('gets keep-alives while the process stops', () => {
    const manager = startedBy(new ManagerSocket(), { WATCHDOG_USEC: '2000000' })
    notify({ stopping: true })
    vi.advanceTimersByTime(1_000)
    expect(manager.texts()).toEqual(['WATCHDOG=1', 'STOPPING=1', 'WATCHDOG=1'])
  })

  it('of another process gets no keep-alives', () => {
    const manager = startedBy(new ManagerSocket(), { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '1' })
    notify({ status: 'up' }, { logger })
    vi.advanceTimersByTime(10_000)
    expect(manager.texts()).toEqual(['STATUS=up'])
    expect(warnings).toEqual([])
  })

  it('with a malformed value gets no keep-alives, and a warning is logged', () => {
    const manager = startedBy(new ManagerSocket(), { WATCHDOG_USEC: 'soon' })
    notify({ status: 'up' }, { logger })
    vi.advanceTimersByTime(10_000)
    expect(manager.texts()).toEqual(['STATUS=up'])
    expect(warnings).toEqual([expect.stringMatching(/^WATCHDOG_USEC is "soon", not a number/)])
  })

  it('starts no timer if no manager listens', () => {
    startedWith({ WATCHDOG_USEC: '2000000' })
    notifier()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gets keep-alives for a time-out that the process itself has set', () => {
    const manager = startedBy(new ManagerSocket(), { WATCHDOG_USEC: '60000000' })
    notify({ watchdogTimeout: 200 })
    expect(manager.texts()).toEqual(['WATCHDOG=1', 'WATCHDOG_USEC=200000', 'WATCHDOG=1'])
    vi.advanceTimersByTime(300)
    expect(manager.texts()).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  })
})
