import { expect, it } from 'vitest'
import { nameOf } from './name.ts'

it.each<[object, string]>([
  [{ name: 'web', listen: [{ port: 80 }] }, 'web'],
  [{ listen: [{ port: 8080 }, { port: 1 }] }, '8080'],
  [{ listen: [{ host: '127.0.0.1', port: 8080 }] }, '127.0.0.1_8080'],
  [{ listen: [{ host: '::1', port: 8080 }] }, '1_8080'],
  [{ listen: [{ path: '/run/my app.sock' }] }, 'my_app.sock'],
  [{ listen: [{ path: '@web' }] }, 'web'],
  [{ listen: [{ port: 0 }] }, 'server.js'],
  [{}, 'server.js'],
  [{ command: ['./app', '--x'] }, 'app'],
  [{ command: ['///'] }, 'socket-port'],
])('%j: %s', (options, name) => {
  const defaults = {
    name: undefined,
    listen: [],
    command: ['node', '/srv/server.js', '-v'] as const,
  }
  expect(nameOf({ ...defaults, ...options } as Parameters<typeof nameOf>[0])).toBe(name)
})
