import { resolve } from 'node:path'
import { linuxSkipReason, requireOrSkip, unixSkipReason } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { defaultLogger } from '../base/logger.ts'
import { failure } from '../testing/failure.ts'
import { type ResolvedListen, resolveListen } from './options.ts'

const onLinux = (what: string) => requireOrSkip(what, linuxSkipReason())

/** As JavaScript, or configuration that was read from a file, may call it. */
const untyped = (target: unknown): ResolvedListen => resolveListen(target as number)

describe('resolveListen', () => {
  it('fills in the defaults', () => {
    expect(resolveListen(8080)).toEqual({
      port: 8080,
      portGiven: true,
      host: undefined,
      path: undefined,
      bindPath: undefined,
      name: undefined,
      ipv6Only: false,
      shared: false,
      inherit: 'prefer',
      backlog: 1024,
      reusePort: false,
      exclusive: false,
      mode: undefined,
      killPort: false,
      fdStore: false,
      signal: undefined,
      logger: defaultLogger,
    })
    expect(resolveListen({})).toEqual({ ...resolveListen(0), portGiven: false })
  })

  it('keeps the given values, and does not change the options', () => {
    const options = Object.freeze({
      port: 8080,
      host: '::1',
      name: 'web',
      ipv6Only: true,
      shared: true,
      inherit: 'require' as const,
      backlog: 1,
      reusePort: true,
      exclusive: true,
      mode: 0o600,
      killPort: 'force' as const,
      fdStore: true,
      signal: new AbortController().signal,
      logger: console,
    })
    const absent = { path: undefined, bindPath: undefined }
    expect(resolveListen(options)).toEqual({ ...options, ...absent, portGiven: true })
  })

  it('refuses IPv6 alone on an IPv4 host, which Node would ignore', () => {
    expect(() => resolveListen({ host: '127.0.0.1', ipv6Only: true })).toThrow(
      'ipv6Only must be false where the host is 127.0.0.1, an IPv4 address (got true)',
    )
  })

  it('treats undefined as absent, except for the only port or path', () => {
    const ours = ['bindPath', 'portGiven', 'port']
    const keys = Object.keys(resolveListen(0)).filter((key) => !ours.includes(key))
    const nothing = Object.fromEntries(keys.map((key) => [key, undefined]))
    expect(untyped({ ...nothing, port: 0 })).toEqual(resolveListen(0))
    const { path, ...others } = nothing
    expect(untyped(others)).toEqual(resolveListen({}))
  })

  it.each([{ path: '/run/app.sock' }, { name: 'web' }])(
    'treats an undefined port as absent if %j says which socket is meant',
    (place) => {
      expect(untyped({ ...place, port: undefined })).toEqual(resolveListen(place))
    },
  )

  const fromEnvironment =
    '; where it comes from the environment, the variable is missing, empty or no number: ' +
    'set it, give a default (process.env.PORT ?? 8080), or pass 0 for any free port'

  it.each([
    [{ port: undefined }, 'undefined'],
    [{ port: undefined, host: '127.0.0.1' }, 'undefined'],
    [{ port: undefined, path: undefined, name: undefined }, 'undefined'],
    [{ port: '' }, '""'],
    [{ port: Number.NaN }, 'NaN'],
    [{ port: '', name: 'web' }, '""'],
  ])('refuses %j, which comes from a variable that is not set', (target, shown) => {
    const error = failure(() => untyped(target))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_PORT')
    expect(error.message).toBe(
      `port must be an integer between 0 and 65535 (got ${shown})${fromEnvironment}`,
    )
  })

  it.each([{ path: undefined }, { path: undefined, name: undefined, host: '::1' }])(
    'refuses %j, which would be any free port',
    (target) => {
      const error = failure(() => untyped(target))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_PATH')
      expect(error.message).toBe(
        'path must be a unix socket path (got undefined); where it comes from the environment, ' +
          'the variable is missing: set it, or pass a port',
      )
    },
  )

  it.each([{ port: 80 }, { name: 'web' }])('treats an undefined path as absent in %j', (place) => {
    expect(untyped({ ...place, path: undefined })).toEqual(resolveListen(place))
  })

  it.each([0, 1, 80, 65_535, '0', '80', '65535', '00080'])('takes the port %j', (port) => {
    expect(resolveListen(port).port).toBe(Number(port))
    expect(resolveListen({ port }).port).toBe(Number(port))
  })

  it.each([
    [-1, '-1'],
    [65_536, '65536'],
    [80.5, '80.5'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [80n, '80'],
    [true, 'true'],
    [null, 'null'],
    [[80], 'Array'],
    [{}, 'Object'],
    [Symbol('80'), 'Symbol(80)'],
  ])('refuses the port %s', (port, shown) => {
    const error = failure(() => untyped({ port }))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_PORT')
    expect(error.message).toBe(`port must be an integer between 0 and 65535 (got ${shown})`)
  })

  it.each([' 80', '80 ', '-1', '+80', '8e1', '0x50', '80.0', '65536', '100000', '/run/a.sock'])(
    'refuses the port %j, and says how to ask for a unix socket',
    (port) => {
      const error = failure(() => resolveListen(port))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_PORT')
      expect(error.message).toBe(
        `port must be an integer between 0 and 65535 (got ${JSON.stringify(port)}); for a unix socket pass { path }`,
      )
    },
  )

  it('refuses the target undefined, which comes from a variable that is not set', () => {
    const error = failure(() => untyped(undefined))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
    expect(error.message).toBe(
      `what to listen on must be a port or an options object (got undefined)${fromEnvironment}`,
    )
  })

  it.each([
    [null, 'null'],
    [true, 'true'],
    [80n, '80'],
    [function app() {}, 'function app'],
    [() => 'a whole program', 'a function'],
  ])('refuses the target %s', (target, shown) => {
    const error = failure(() => untyped(target))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
    expect(error.message).toBe(
      `what to listen on must be a port or an options object (got ${shown})`,
    )
  })

  it.each(['Port', 'hots', 'drain', 'signals', 'fd', 'ipv6only', 'constructor', '0'])(
    'refuses the unknown option %j',
    (key) => {
      const error = failure(() => untyped({ port: 80, [key]: undefined }))
      expect(error.code).toBe('ERR_SOCKET_PORT_UNKNOWN_OPTION')
      expect(error.message).toBe(
        `there is no option ${JSON.stringify(key)}; known are port, host, path, backlog, ipv6Only, reusePort, ` +
          'exclusive, signal, name, shared, inherit, mode, killPort, fdStore, logger',
      )
    },
  )

  it.each<[option: string, wrong: unknown[], must: string]>([
    ['host', ['', null, 1, true, ['::']], 'a string that is not empty'],
    ['name', ['', null, 1, {}], 'a string that is not empty'],
    ['ipv6Only', [null, 0, 1, 'true'], 'true or false'],
    ['shared', [null, 1, 'yes'], 'true or false'],
    ['reusePort', [null, 1, 'yes'], 'true or false'],
    ['exclusive', [null, 1, 'yes'], 'true or false'],
    ['fdStore', [null, 1, 'yes'], 'true or false'],
    ['killPort', [null, 1, 'yes', 'Force'], "true, false or 'force'"],
    ['inherit', [null, true, 'always', 'Prefer'], "'prefer' or 'require' or 'never'"],
    [
      'backlog',
      [null, 0, -1, 1.5, 2 ** 31, '1024', Number.NaN, Number.POSITIVE_INFINITY],
      'a whole number of connections between 1 and 2147483647',
    ],
    ['mode', [null, -1, 0o1000, 0.5, '0660'], 'a whole number between 0 and 511'],
    ['signal', [null, {}, 'abort', new AbortController()], 'an AbortSignal'],
  ])('refuses a wrong %s', (option, wrong, must) => {
    for (const value of wrong) {
      const error = failure(() => untyped({ [option]: value }))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
      expect(error.message).toMatch(new RegExp(`^${option} must be ${must} \\(got .+\\)$`))
    }
  })

  it.each(['::1%lo', '::%eth0', '2001:db8::1%2', 'fec0::1%lo'])(
    'refuses a zone that the kernel would ignore: %s',
    (host) => {
      const { code, message } = failure(() => untyped({ host }))
      expect(code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
      expect(message).toMatch(/^host must be without a zone .*fe80::/)
    },
  )

  it.each(['fe80::1%lo', 'FEBF::1%2', 'fe80::1', '::1', 'localhost', '100%.example'])(
    'takes the host %s',
    (host) => {
      expect(untyped({ host })).toMatchObject({ host })
    },
  )

  it.each([
    [null, 'null', 'debug, info, warn, error'],
    ['console', '"console"', 'debug, info, warn, error'],
    [{ warn() {}, error() {} }, 'Object', 'debug, info'],
  ])('refuses the logger %s and names what it lacks', (logger, shown, missing) => {
    const error = failure(() => untyped({ logger }))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
    expect(error.message).toBe(
      `logger must be an object with debug, info, warn and error (no ${missing}) (got ${shown})`,
    )
  })

  it('keeps the message short, whatever value was passed', () => {
    for (const value of ['x'.repeat(10_000), `${'\n'.repeat(10_000)}`]) {
      for (const target of [value, { path: value }, { inherit: value }, { [value]: 1 }]) {
        expect(failure(() => untyped(target)).message.length).toBeLessThan(400)
      }
    }
  })

  it('shows an object that has no class', () => {
    const error = failure(() => untyped({ host: Object.create(null) }))
    expect(error.message).toBe('host must be a string that is not empty (got an object)')
  })
})

describe(...requireOrSkip('a unix path', unixSkipReason()), () => {
  it('is compared by its absolute path, and bound as it was given', () => {
    expect(resolveListen({ path: './run/../app.sock' })).toMatchObject({
      path: resolve('app.sock'),
      bindPath: './run/../app.sock',
      port: 0,
    })
  })

  it(...onLinux('may be abstract, with @ or NUL'), () => {
    for (const path of ['@app', '\0app']) {
      expect(resolveListen({ path })).toMatchObject({ path: '@app', bindPath: '\0app' })
    }
  })

  it(...onLinux('may be as long as the kernel takes'), () => {
    for (const path of [`/${'a'.repeat(106)}`, `@${'a'.repeat(106)}`, `/${'ä'.repeat(53)}`]) {
      expect(() => resolveListen({ path })).not.toThrow()
    }
    for (const path of [`/${'a'.repeat(107)}`, `@${'a'.repeat(107)}`, `/a${'ä'.repeat(53)}`]) {
      const error = failure(() => resolveListen({ path }))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_PATH')
      expect(error.message).toMatch(
        /^path must be at most 107 bytes long, not 108; bind in a shorter directory \(got "/,
      )
      expect(error.path).toBe(path)
    }
  })

  it.each(['', '@', '\0', null, 1, true, {}])('is refused if it is no path: %j', (path) => {
    const error = failure(() => untyped({ path }))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_PATH')
    expect(error.message).toMatch(/^path must be a unix socket path \(got /)
  })

  it.each(['/run/a\0b', '@a\0b', '/run/a\0'])('is refused with a NUL byte: %j', (path) => {
    const error = failure(() => resolveListen({ path }))
    expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_PATH')
    expect(error.message).toBe(`path must be free of NUL bytes (got ${JSON.stringify(path)})`)
  })

  it('is refused together with a port', () => {
    for (const port of [0, 80, '80']) {
      const error = failure(() => resolveListen({ port, path: '/run/app.sock' }))
      expect(error.code).toBe('ERR_SOCKET_PORT_INVALID_OPTION')
      expect(error.message).toMatch(
        /^path must be absent where a port is given: pass one of the two/,
      )
    }
  })
})
