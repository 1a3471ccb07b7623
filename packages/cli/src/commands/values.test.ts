import { describe, expect, test } from 'vitest'
import { UsageError } from '../base/errors.ts'
import { listenAddress, plainAddress } from './listen-address.ts'
import { readiness } from './readiness.ts'

describe('--listen', () => {
  test.each([
    ['8080', { port: 8080 }],
    ['0', { port: 0 }],
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['[fe80::1%eth0]:8080', { host: 'fe80::1%eth0', port: 8080 }],
    ['[::]:8080', { host: '::', port: 8080 }],
    ['[fe80::1%eth0]:8080', { host: 'fe80::1%eth0', port: 8080 }],
    ['unix:/run/app.sock', { path: '/run/app.sock' }],
    ['unix:app.sock', { path: 'app.sock' }],
    ['unix:@app', { path: '@app' }],
    ['unix:/run/a=b.sock', { path: '/run/a=b.sock' }],
    ['web=8080', { port: 8080, name: 'web' }],
    ['web.1-x=[::1]:80', { host: '::1', port: 80, name: 'web.1-x' }],
    ['admin=unix:/run/a=b.sock', { path: '/run/a=b.sock', name: 'admin' }],
  ])('%s', (value, address) => {
    expect(listenAddress(value)).toEqual(address)
  })

  test.each([
    ['', 'a port is missing'],
    ['web', 'a port is missing'],
    ['127.0.0.1', 'a port is missing'],
    ['65536', 'a port is at most 65535'],
    ['-1', 'a port is missing'],
    ['8080x', 'a port is missing'],
    ['80,443', 'write an option for each address: --listen 80 --listen 443'],
    ['host:', 'a port is missing'],
    [':8080', 'write the port alone: 8080'],
    ['*:8080', 'write the port alone: 8080'],
    ['::1:8080', 'in brackets, with a port after them: [::1]:8080'],
    ['::1', 'in brackets, with a port after them: [::1]:8080'],
    [
      '[::1%lo]:8080',
      'only a link-local address (fe80::…) can be bound on one interface; without %lo it is [::1]:8080',
    ],
    ['web=[2001:db8::1%2]:80', 'without %2 it is [2001:db8::1]:80'],
    ['[::1]', 'in brackets, with a port after them: [::1]:8080'],
    ['[127.0.0.1]:80', 'only an IPv6 address is written in brackets'],
    ['http://a:80/b', 'write the address alone: a:80'],
    ['a b:80', 'is neither an address nor a host name'],
    ['/run/app.sock', 'write a unix socket as unix:/run/app.sock'],
    ['@app', 'write a unix socket as unix:@app'],
    ['unix:', 'a path is missing, such as unix:/run/app.sock'],
    [`unix:/${'a'.repeat(107)}`, 'a path is at most 107 bytes long, not 108'],
    ['=8080', 'a name is 1 to 255'],
    ['a b=8080', 'a name is 1 to 255'],
    ['stored=8080', 'systemd reserves the name stored'],
  ])('refuses %j, and names the reason', (value, fix) => {
    const attempt = (): unknown => listenAddress(value)
    expect(attempt).toThrow(UsageError)
    expect(attempt).toThrow(fix)
  })
})

describe('--metrics', () => {
  test.each([
    ['9100', { port: 9100 }],
    ['127.0.0.1:9100', { host: '127.0.0.1', port: 9100 }],
    ['[::1]:9100', { host: '::1', port: 9100 }],
    ['unix:/run/metrics.sock', { path: '/run/metrics.sock' }],
    ['unix:@metrics', { path: '@metrics' }],
  ])('%s', (value, address) => {
    expect(plainAddress('metrics', value)).toEqual(address)
  })

  test.each([
    ['', 'a port is missing'],
    ['/run/metrics.sock', 'write a unix socket as unix:/run/metrics.sock'],
    ['http://localhost:9100/metrics', 'write the address alone: localhost:9100'],
    ['localhost', 'a port is missing'],
    // A name has no meaning here.
    ['web=9100', 'a port is missing'],
    ['web=127.0.0.1:9100', "'web=127.0.0.1' is neither an address nor a host name"],
  ])('refuses %j, and names the reason', (value, fix) => {
    const attempt = (): unknown => plainAddress('metrics', value)
    expect(attempt).toThrow(UsageError)
    expect(attempt).toThrow(`--metrics '${value}': `)
    expect(attempt).toThrow(fix)
  })
})

describe('--ready', () => {
  test.each([
    ['notify', { kind: 'notify' }],
    ['port', { kind: 'port' }],
    ['log:listening on \\d+', { kind: 'log', pattern: /listening on \d+/ }],
    ['delay:500', { kind: 'delay', ms: 500 }],
    ['delay:2s', { kind: 'delay', ms: 2_000 }],
  ])('%s', (value, ready) => {
    expect(readiness(value)).toEqual(ready)
  })

  test.each(['', 'Notify', 'log', 'log:', 'log:(', 'delay', 'delay:', 'delay:x', 'port:80'])(
    'refuses %j',
    (value) => {
      expect(() => readiness(value)).toThrow(UsageError)
    },
  )
})
