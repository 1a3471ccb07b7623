import { describe, expect, test } from 'vitest'
import { UsageError } from '../base/errors.ts'
import { fakeIo } from '../testing/io.ts'
import { commandWord, environmentWord, plainValue } from './escape.ts'
import { hardening } from './harden.ts'
import { printUnits } from './print.ts'
import { renderUnits, type UnitJob } from './render.ts'

const job: UnitJob = {
  way: 'socket',
  name: 'shop',
  entry: '/srv/shop/server.js',
  byNode: true,
  words: [],
  port: 8080,
  user: undefined,
  node: '/usr/bin/node',
  command: '/usr/lib/node_modules/socket-port/dist/main.js',
  folder: '/srv/shop',
  linked: false,
  targets: [],
  preload: undefined,
  envFiles: [],
  compileCache: true,
  watchdog: 30_000,
}

const linesOf = (change: Partial<UnitJob>, file = 'shop.service'): string[] =>
  renderUnits({ ...job, ...change })
    .find(({ name }) => name === file)
    ?.content.split('\n') ?? []

describe('escaping', () => {
  test.each([
    ['/srv/app/server.js', '/srv/app/server.js', '/srv/app/server.js'],
    ['/srv/100%/a', '/srv/100%%/a', '/srv/100%%/a'],
    ['/srv/$HOME/a', '/srv/$$HOME/a', '/srv/$HOME/a'],
    ['/srv/my app/a', '"/srv/my app/a"', '"/srv/my app/a"'],
    ['/srv/"a"\\b', '"/srv/\\"a\\"\\\\b"', '"/srv/\\"a\\"\\\\b"'],
    ["/srv/it's", '"/srv/it\'s"', '"/srv/it\'s"'],
    ['/srv/a;b', '"/srv/a;b"', '"/srv/a;b"'],
    ['', '""', '""'],
  ])('%j', (text, word, variable) => {
    expect(commandWord(text)).toBe(word)
    expect(environmentWord(text)).toBe(variable)
  })

  test('of a value that takes its whole line', () => {
    expect(plainValue('/srv/my 100% $app')).toBe('/srv/my 100%% $app')
  })

  test.each([
    ['/srv/app ', 'a space'],
    ['/srv/app\\', 'a backslash'],
  ])('refuses %j, which systemd would not read to its end', (text, what) => {
    expect(() => plainValue(text)).toThrow(new RegExp(`ends in ${what}.* Rename it$`))
    expect(commandWord(`${text}/server.js`)).toMatch(/^"/)
  })

  test.each([plainValue, commandWord, environmentWord])('refuses a second line: %s', (written) => {
    expect(() => written('/srv/a\nExecStart=/bin/sh')).toThrow(UsageError)
  })
})

describe('with --register', () => {
  const preload = '/srv/shop/node modules/register.cjs'

  test.each(['socket', 'store', 'run'] as const)('%s warns of a cache of npx', (way) => {
    const warnings = (path: string): string => {
      const io = fakeIo()
      printUnits({ ...job, way, command: path, preload: path }, { kind: 'json' }, io)
      return io.written().stderr
    }
    expect(warnings('/srv/npm/_npx/1/node_modules/any.cjs')).toMatch(/npx keeps .* may be deleted/)
    expect(warnings('/srv/npm/node_modules/any.cjs')).not.toContain('npx')
  })

  test.each([
    ['socket', []],
    ['store', ['Environment=SOCKET_PORT_REGISTER_FD_STORE=1']],
  ] as const)('%s loads the preload by the command line', (way, more) => {
    const lines = linesOf({ way, preload })
    expect(lines).toEqual(
      expect.arrayContaining([
        'ExecStart=/usr/bin/node --require "/srv/shop/node modules/register.cjs" /srv/shop/server.js',
        ...more,
      ]),
    )
    expect(lines).toContain('SuccessExitStatus=143')
    expect(lines.join()).not.toMatch(/fdStore|NODE_OPTIONS/)
  })

  test('run passes it on', () => {
    const start = linesOf({ way: 'run', preload }).find((line) => line.startsWith('ExecStart='))
    expect(start).toMatch(/ run --register --listen 8080 .* -- \/usr\/bin\/node \/srv/)
  })

  test('a command replaces node and the program, and its PATH has node', () => {
    const npm = {
      way: 'run',
      entry: '/opt/node 22/bin/npm',
      byNode: false,
      words: ['run', 'start:prod'],
    } as const
    const lines = linesOf({ ...npm, node: '/opt/node 22/bin/node' })
    const start = lines.find((line) => line.startsWith('ExecStart='))
    expect(start).toMatch(/ -- "\/opt\/node 22\/bin\/npm" run start:prod$/)
    expect(lines).toContain(
      'Environment="PATH=/opt/node 22/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"',
    )
    expect(linesOf({ ...npm, entry: '/usr/bin/npm' }).join()).not.toContain('PATH=')
  })
})

describe('every way', () => {
  test.each(['socket', 'store', 'run'] as const)(
    '%s restarts, is hardened, and names PORT',
    (way) => {
      const lines = linesOf({ way, envFiles: ['/etc/shop.env'] })
      expect(lines).toEqual(
        expect.arrayContaining([
          'StartLimitIntervalSec=0',
          'RestartSec=100ms',
          'Environment=NODE_ENV=production PORT=8080',
          'EnvironmentFile=/etc/shop.env',
          'WatchdogSec=30s',
          'WorkingDirectory=/srv/shop',
          'DynamicUser=yes',
          'ProtectSystem=strict',
          'CapabilityBoundingSet=',
        ]),
      )
      // Without @pkey, Node 20 ends by SIGSYS.
      expect(lines.filter((line) => line.startsWith('SystemCallFilter='))).toEqual([
        'SystemCallFilter=@system-service @pkey',
      ])
      expect(lines.join()).not.toContain('MemoryDenyWriteExecute')
    },
  )

  test.each(['store', 'run'] as const)('%s binds a low port by a capability', (way) => {
    const lines = linesOf({ way, port: 80 })
    expect(lines).toContain('AmbientCapabilities=CAP_NET_BIND_SERVICE')
    expect(lines).toContain('CapabilityBoundingSet=CAP_NET_BIND_SERVICE')
  })
})

test.each(['socket', 'store', 'run'] as const)(
  '%s keeps compiled code in a folder of the service alone',
  (way) => {
    const lines = [
      'CacheDirectory=shop',
      'CacheDirectoryMode=0700',
      'Environment=NODE_COMPILE_CACHE=%C/shop',
    ]
    expect(linesOf({ way })).toEqual(expect.arrayContaining(lines))
    const without = linesOf({ way, compileCache: false })
    expect(without.join()).not.toMatch(/CacheDirectory|NODE_COMPILE_CACHE/)
    expect(without.join().includes(' --no-compile-cache -- ')).toBe(way === 'run')
  },
)

test('the watchdog can be left out', () => {
  expect(linesOf({ watchdog: 0 }).join()).not.toContain('Watchdog')
})

test('socket: systemd opens the port, and passes it to node itself', () => {
  expect(renderUnits(job).map(({ name }) => name)).toEqual(['shop.socket', 'shop.service'])
  expect(linesOf({}, 'shop.socket')).toContain('ListenStream=8080')
  const lines = linesOf({ port: 80 })
  expect(lines).toContain('ExecStart=/usr/bin/node /srv/shop/server.js')
  expect(lines).toContain('Requires=shop.socket')
  expect(lines.join()).not.toContain('AmbientCapabilities')
})

test.each(['socket', 'store'] as const)('%s: a restart has a signal of its own', (way) => {
  expect(linesOf({ way })).toEqual(
    expect.arrayContaining([
      'FileDescriptorStoreMax=16',
      'RestartKillSignal=SIGUSR2',
      'Environment=SOCKET_PORT_RESTART_SIGNAL=SIGUSR2',
      'KillMode=mixed',
    ]),
  )
})

test('store: one unit, with room in the store', () => {
  expect(renderUnits({ ...job, way: 'store' }).map(({ name }) => name)).toEqual(['shop.service'])
  const lines = linesOf({ way: 'store' })
  expect(lines).toContain('Type=notify')
  expect(lines).toContain('FileDescriptorStoreMax=16')
  expect(lines).toContain('Restart=always')
})

test('run: reloads by its own command, which fails if the new process fails', () => {
  const own = '/usr/bin/node -- /usr/lib/node_modules/socket-port/dist/main.js'
  const lines = linesOf({ way: 'run' })
  expect(lines).toEqual(
    expect.arrayContaining([
      'Type=notify',
      `ExecStart=${own} run --listen 8080 --control %t/shop/control.sock -- /usr/bin/node /srv/shop/server.js`,
      `ExecReload=${own} reload --control %t/shop/control.sock`,
      'KillMode=mixed',
    ]),
  )
})

test('run: a folder behind a symlink is resolved again at each reload', () => {
  const lines = linesOf({ way: 'run', folder: '/srv/my shop/current', linked: true })
  const start = lines.find((line) => line.startsWith('ExecStart='))
  expect(start).toContain(' --control %t/shop/control.sock --cwd "/srv/my shop/current" -- ')
  expect(lines).toContain('WorkingDirectory=/srv/my shop/current')
})

test('the hardening hides nothing that the program needs', () => {
  const lines = (path: string): string[] => hardening({ paths: [path], privilegedPort: false })
  expect(lines('/srv/a.js')).toEqual(expect.arrayContaining(['ProtectHome=yes', 'PrivateTmp=yes']))
  expect(lines('/home/me/a.js')).toContain('ProtectHome=read-only')
  expect(lines('/root/.nvm/node')).toContain('ProtectHome=read-only')
  expect(lines('/tmp/a.js')).not.toContain('PrivateTmp=yes')
  expect(lines('/homes/a.js')).toContain('ProtectHome=yes')
  // A path outside that is a link to one inside.
  expect(linesOf({ targets: ['/home/me/.nvm/node'] })).toContain('ProtectHome=read-only')
})
