import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { Service } from '../base/types.ts'
import { diagnose } from '../diagnose/diagnose.ts'
import { createDrain } from '../drain/drain.ts'
import { killPort } from '../kill-port/kill-port.ts'
import { onReload } from '../lifecycle/reload.ts'
import { onShutdown } from '../lifecycle/shutdown.ts'
import { inheritedSockets } from '../listen/inherited-sockets.ts'
import { listen, listenFd } from '../listen/listen.ts'
import { notify, notifyBarrier } from '../notify/notify.ts'
import { closeAll, onClose } from '../testing/real-sockets.ts'
import { attach } from './attach.ts'
import { serve } from './serve.ts'

afterEach(closeAll)

type Call = (options: never) => unknown

const hook = (): void => {}

/** Every public function that takes options. */
const calls: [name: string, call: Call][] = [
  ['createDrain', (options) => createDrain(createServer(), options)],
  ['Drain.start', (options) => createDrain(createServer()).start(options)],
  ['diagnose', (options) => diagnose(options)],
  ['inheritedSockets', (options) => inheritedSockets(options)],
  ['killPort', (options) => killPort(1, options)],
  ['listen', (options) => listen(options)],
  ['listenFd', (options) => listenFd(options)],
  ['attach', (options) => attach(createServer(), options)],
  ['notify', (options) => notify({ ready: true }, options)],
  ['notifyBarrier', (options) => notifyBarrier(options)],
  ['onReload', (options) => onReload(hook, options)],
  ['onShutdown', (options) => onShutdown(hook, options)],
  ['serve', (options) => serve(createServer(), options)],
  ['Service.close', (options) => serving().then((service) => service.close(options))],
]

const withLogger = calls.filter(
  ([name]) => !['createDrain', 'Drain.start', 'onShutdown', 'Service.close'].includes(name),
)

async function serving(): Promise<Service> {
  const service = await serve(createServer(), { port: 0, signals: false })
  onClose(() => service.close())
  return service
}

const outcome = async (call: Call, options: unknown): Promise<unknown> => call(options as never)

describe('the options of every public function', () => {
  it.each(calls)('%s refuses a name that it does not know', async (_, call) => {
    await expect(outcome(call, { loger: console })).rejects.toMatchObject({
      code: 'ERR_SOCKET_PORT_UNKNOWN_OPTION',
      message: expect.stringMatching(/^there is no .*"loger"; known are /),
    })
  })

  it.each(withLogger)('%s refuses what is no logger', async (_, call) => {
    for (const logger of [{ info() {} }, null, 'console', 0, false]) {
      await expect(outcome(call, { logger })).rejects.toMatchObject({
        code: 'ERR_SOCKET_PORT_INVALID_OPTION',
        message: expect.stringMatching(
          /^logger must be an object with debug, info, warn and error/,
        ),
      })
    }
  })

  it.each(calls)('%s refuses what is no object', async (_, call) => {
    for (const options of [null, true, 'port 80']) {
      await expect(outcome(call, options)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_SOCKET_PORT_INVALID_(OPTION|PORT)$/),
      })
    }
  })
})

describe('quick', () => {
  it.each([1, 'yes', null])('refuses %j, and the server goes on', async (quick) => {
    const service = await serving()
    const drain = createDrain(createServer())
    const options = { quick } as never
    for (const call of [() => service.close(options), () => drain.start(options)]) {
      expect(call).toThrow(/^quick must be true or false \(got /)
    }
    expect(service.server.listening).toBe(true)
    expect([service.state, drain.state]).toEqual(['ready', 'ready'])
  })
})

describe('the options of killPort', () => {
  it.each([
    ['signal', [{}, null, 'abort'], 'an AbortSignal'],
    ['confirm', [true, null, 'yes'], 'a function that returns true or false'],
    ['force', ['force', 1], 'true or false'],
    ['timeout', [-1, 0.5, '3000'], 'a whole number of milliseconds'],
    ['host', ['', 1], 'a string that is not empty'],
  ])('refuse a wrong %s', async (option, wrong, must) => {
    for (const value of wrong) {
      await expect(
        outcome((options) => killPort(1, options), { [option]: value }),
      ).rejects.toMatchObject({
        code: 'ERR_SOCKET_PORT_INVALID_OPTION',
        message: expect.stringContaining(`${option} must be ${must}`),
      })
    }
  })
})

describe('an argument too many', () => {
  const more = <A extends unknown[]>(call: (...args: A) => Promise<unknown>, ...args: unknown[]) =>
    call(...(args as unknown as A))

  it.each([
    ['serve', () => more(serve, createServer(), 0, () => {})],
    ['listen', () => more(listen, createServer(), 0, () => {})],
    ['listen', () => more(listen, 0, () => {})],
    ['listen', () => more(listen, createServer(), { port: 0 }, undefined, function up() {})],
  ])('%s refuses a callback, which would never be called', async (name, call) => {
    await expect(call()).rejects.toMatchObject({
      code: 'ERR_SOCKET_PORT_INVALID_OPTION',
      message: expect.stringContaining(`because ${name} takes no callback: await the promise`),
    })
  })

  it.each([
    ['serve', () => more(serve, createServer(), 0, '127.0.0.1')],
    ['listen', () => more(listen, createServer(), 0, '127.0.0.1')],
  ])('%s refuses a host, which would not be heeded', async (_, call) => {
    await expect(call()).rejects.toThrow(/put it into the options, .* \(got "127\.0\.0\.1"\)$/)
  })

  it('may be undefined', async () => {
    const service = await more(serve, createServer(), { port: 0, signals: false }, undefined)
    onClose(() => (service as { close(): Promise<unknown> }).close())
  })
})
