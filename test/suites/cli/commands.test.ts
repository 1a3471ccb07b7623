import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { SOCKET_PORT, socketPort, socketPortOnTerminal } from '@socket-port/testkit/command'
import { freePort } from '@socket-port/testkit/native'
import { endProcesses, track } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const WAYS = ['socket', 'store', 'run'] as const

let dir: string
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'socket-port-cli-')))
})
afterEach(async () => {
  await endProcesses()
  rmSync(dir, { recursive: true })
})

describe('the command', () => {
  test('says its version, and in one line that nobody reads on', async () => {
    const { code, stdout, stderr } = await socketPort(['--version'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const line = `"${process.execPath}" "${SOCKET_PORT}" --help | true`
    const { stderr: said } = spawnSync('sh', ['-c', line], { encoding: 'utf8' })
    expect(said).toMatch(/^(socket-port: error: stdout cannot be written \(write EPIPE\).*\n)?$/)
  })

  test.each([
    ['forced on', { FORCE_COLOR: '1' }, true],
    ['off', { FORCE_COLOR: undefined, NO_COLOR: undefined }, false],
  ])('has colours where it writes to a pipe: %s', async (_, env, coloured) => {
    const { stdout } = await socketPort(['--help'], { env })
    expect(stdout.includes('\u001b[')).toBe(coloured)
  })

  test.each([['reload'], ['status'], ['status', '--json'], ['stop']])(
    '%s ends with 3 where nothing runs',
    async (...args) => {
      const ended = await socketPort([...args, '--control', join(dir, 'none.sock')])
      expect(ended).toMatchObject({ code: 3, stdout: '' })
      expect(ended.stderr).toMatch(/^socket-port: error: /)
    },
  )
})

describe(...requireOrSkip('colours on a terminal', commandSkipReason('script')), () => {
  test.each([
    ['there', {}, true],
    ['gone with NO_COLOR', { NO_COLOR: '1' }, false],
  ])('are %s', async (_, env, coloured) => {
    const line = `'${process.execPath}' '${SOCKET_PORT}' --help`
    // A CI has no colours of a terminal (tty.WriteStream.getColorDepth).
    const none = { CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined }
    const clean = { ...process.env, ...none, TERM: 'xterm' }
    const { stdout, status } = spawnSync('script', ['-qec', line, '/dev/null'], {
      env: { ...clean, ...env },
      encoding: 'utf8',
    })
    expect({ status, coloured: stdout.includes('\u001b[') }).toEqual({ status: 0, coloured })
  })
})

describe('doctor', () => {
  test('says as JSON that nobody manages a process, and that this is no clean bill', async () => {
    const { code, stdout, stderr } = await socketPort(['doctor', '--json'])
    expect({ code, stderr }).toEqual({ code: 6, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      seen: 'nothing',
      pid: expect.any(Number),
      starter: { kind: expect.any(String) },
      environment: {},
      sockets: [],
      problems: [],
    })
  })

  test('does not say of what it cannot see that all is well', async () => {
    const itself = await socketPort(['doctor'])
    expect(itself.code).toBe(6)
    expect(itself.stdout).toMatch(/^nothing to look at: .*socket-port doctor app\.service/m)
    // No systemctl answers.
    const unit = await socketPort(['doctor', 'app.service'], { env: { PATH: dir } })
    expect(unit.code).toBe(6)
    expect(unit.stdout).toMatch(/^not known {4}what app\.service says: systemctl did not answer/m)
    expect(unit.stdout).toMatch(/^could not look at app\.service$/m)
    for (const { stdout } of [itself, unit]) {
      expect(stdout).not.toMatch(/no problem|^passed|^listens|none runs/m)
    }
  })

  test('ends with 1 where it finds an error, and shows the mend', async () => {
    const env = { LISTEN_FDS: '1', LISTEN_PID: '1' }
    const { code, stdout } = await socketPort(['doctor', '--json'], { env })
    const { problems } = JSON.parse(stdout) as { problems: { severity: string }[] }
    expect({ code, severity: problems[0]?.severity }).toEqual({ code: 1, severity: 'error' })
    expect((await socketPort(['doctor'], { env })).stdout).toMatch(/^ *mend: \S/m)
  })
})

describe('free', () => {
  const LISTEN = "require('net').createServer().listen(process.env.PORT, () => console.log(1))"

  /** Starts a process that listens; it ends at SIGTERM. */
  async function hold(): Promise<{ pid: number; port: number; exit: Promise<unknown> }> {
    const port = freePort()
    const env = { ...process.env, PORT: String(port) }
    const child = spawn(process.execPath, ['-e', LISTEN], { env, cwd: '/', detached: true })
    track(child)
    const exit = once(child, 'exit')
    await once(child.stdout, 'data')
    return { pid: child.pid ?? 0, port, exit }
  }

  test('ends the holder and says whom', async () => {
    const { pid, port, exit } = await hold()
    const { code, stdout, stderr } = await socketPort(['free', String(port), '--yes', '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      port,
      free: true,
      signalled: [{ pid, command: expect.stringContaining('-e'), uid: process.getuid?.() }],
      error: null,
    })
    expect(await exit).toEqual([null, 'SIGTERM'])
  })

  test('has nothing to do on a free port', async () => {
    const port = freePort()
    expect(await socketPort(['free', String(port), '-y'])).toEqual({
      code: 0,
      stdout: `Port ${port} is free; no process held it.\n`,
      stderr: '',
    })
  })

  test('refuses under NODE_ENV=production unless forced', async () => {
    const { port, exit } = await hold()
    const env = { NODE_ENV: 'production' }
    const refused = await socketPort(['free', String(port), '-y', '--json'], { env })
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout)).toMatchObject({
      free: false,
      signalled: [],
      error: { code: 'ERR_SOCKET_PORT_KILL_REFUSED' },
    })
    const told = await socketPort(['free', String(port), '-y'], { env })
    expect(told).toMatchObject({ code: 1, stdout: '' })
    expect(told.stderr).toMatch(/^socket-port: error: Port \d+ is not freed under NODE_ENV/)
    expect(await socketPort(['free', String(port), '-y', '--force'], { env })).toMatchObject({
      code: 0,
    })
    await exit
  })

  test('asks nobody where there is no terminal, and does nothing', async () => {
    const { pid, port } = await hold()
    const { code, stderr } = await socketPort(['free', String(port)])
    expect({ code, alive: process.kill(pid, 0) }).toEqual({ code: 2, alive: true })
    expect(stderr).toContain('--yes')
  })

  describe(...requireOrSkip('on a terminal', commandSkipReason('script')), () => {
    test('asks, and takes yes for a yes', async () => {
      const { pid, port, exit } = await hold()
      const { code, stdout } = await socketPortOnTerminal(
        ['free', String(port)],
        /End it\?/,
        'yes\n',
      )
      expect(code).toBe(0)
      expect(stdout).toContain(`Port ${port} is held by pid ${pid}, user`)
      expect(stdout).toContain('End it?')
      expect(await exit).toEqual([null, 'SIGTERM'])
    })

    // ^C and ^D are what the keys send.
    test.each(['n\n', '\n', 'maybe\n', '\u0003', '\u0004'])('takes %j for a no', async (answer) => {
      const { pid, port } = await hold()
      const { code, stdout } = await socketPortOnTerminal(
        ['free', String(port)],
        /End it\?/,
        answer,
      )
      expect({ code, alive: process.kill(pid, 0) }).toEqual({ code: 1, alive: true })
      expect(stdout).toContain('No process was signalled')
    })
  })
})

describe('unit', () => {
  const entry = '/srv/shop/server.js'
  const args = [entry, '--port', '8080', '--node', process.execPath]
  const warning = /^socket-port: warning: '\/srv\/shop\/server.js' does not exist here/

  test('prints files that say where they belong', async () => {
    const { code, stdout, stderr } = await socketPort(['unit', ...args])
    expect(code).toBe(0)
    expect(stderr).toMatch(warning)
    expect(stdout.match(/^# \/etc.*$/gm)).toEqual([
      '# /etc/systemd/system/shop.socket',
      '# /etc/systemd/system/shop.service',
    ])
  })

  test('writes them, never over another file', async () => {
    const written = await socketPort(['unit', ...args, '--name', 'web', '-o', dir])
    expect(written.code).toBe(0)
    expect(written.stdout).toContain('systemctl enable --now web.socket web.service')
    expect(readdirSync(dir)).toEqual(['web.service', 'web.socket'])
    const again = await socketPort(['unit', ...args, '--name', 'web', '-o', dir])
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toContain('web.socket exists and is left as it is')
  })

  test.each([
    [
      '/missing/units',
      /units\/shop\.socket' was not written .*ENOENT.* mkdir -p '.*\/missing\/units'/,
    ],
    ['/file', /file\/shop\.socket' was not written .*ENOTDIR.* takes a folder/],
  ])('says what to do where nothing can be written: %s', async (folder, says) => {
    writeFileSync(`${dir}/file`, '')
    const { code, stdout, stderr } = await socketPort(['unit', ...args, '-o', dir + folder])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(says)
  })

  test('gives JSON to a script', async () => {
    const { stdout } = await socketPort(['unit', ...args, '--json', '--way', 'store'])
    expect(JSON.parse(stdout)).toEqual({
      files: [
        { name: 'shop.service', content: expect.stringContaining('FileDescriptorStoreMax=') },
      ],
      enable: 'systemctl enable --now shop.service',
    })
  })

  test('names them after the package, and starts the program there', async () => {
    mkdirSync(join(dir, 'dist'))
    writeFileSync(join(dir, 'package.json'), '{ "name": "@acme/shop" }')
    writeFileSync(join(dir, 'dist/server.js'), '')
    const { stdout } = await socketPort(['unit', 'dist/server.js', '--port', '8080'], { cwd: dir })
    expect(stdout).toContain('# /etc/systemd/system/shop.service\n')
    expect(stdout).toContain(`WorkingDirectory=${dir}\n`)
    expect(stdout).toContain(` ${join(dir, 'dist/server.js')}\n`)
  })

  test('passes arguments on, and names units of a dependency after the package that has it', async () => {
    const next = join(dir, 'node_modules/next/dist/bin/next')
    mkdirSync(dirname(next), { recursive: true })
    writeFileSync(next, '')
    writeFileSync(join(dir, 'node_modules/next/package.json'), '{ "name": "next" }')
    writeFileSync(join(dir, 'package.json'), '{ "name": "shop" }')
    const words = [
      'unit',
      'node_modules/next/dist/bin/next',
      '--port',
      '3000',
      '--',
      'start',
      '-p 1',
    ]
    const { stdout } = await socketPort(words, { cwd: dir })
    expect(stdout).toContain('# /etc/systemd/system/shop.service\n')
    expect(stdout).toContain(`WorkingDirectory=${dir}\n`)
    expect(stdout).toMatch(/^ExecStart=\S+ \S+\/bin\/next start "-p 1"$/m)
  })

  test('starts a command, in the folder and by the name of the package where it is typed', async () => {
    mkdirSync(join(dir, 'src'))
    writeFileSync(join(dir, 'package.json'), '{ "name": "shop" }')
    const words = ['unit', '--port', '3000', '--way', 'run', '--register', '--', 'npm', 'start']
    const { stdout } = await socketPort(words, { cwd: join(dir, 'src') })
    expect(stdout).toContain('# /etc/systemd/system/shop.service\n')
    expect(stdout).toContain(`WorkingDirectory=${dir}\n`)
    expect(stdout).toMatch(/^ExecStart=.* run --register --listen 3000 .* -- \/\S+\/npm start$/m)
  })

  test.each([
    [
      'package.json',
      /'\S+\/package.json' is no program. Name the file that node runs, here '\S+\/dist/,
    ],
    [
      'server.ts',
      /^socket-port: error: Node 20\S+ \(\S+\) cannot run '\S+\/server.ts': TypeScript needs/,
    ],
  ])('refuses %s, says why, and writes nothing', async (program, message) => {
    writeFileSync(join(dir, 'package.json'), '{ "main": "dist/server.js" }')
    const node = join(dir, 'node')
    writeFileSync(node, '#!/bin/sh\necho v20.19.0\n')
    chmodSync(node, 0o755)
    const words = ['unit', join(dir, program), '--port', '8080', '--node', node, '-o', dir]
    const { code, stdout, stderr } = await socketPort(words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(readdirSync(dir).sort()).toEqual(['node', 'package.json'])
  })

  test.each(['dist\\', 'dist '])('refuses a folder that ends as %j', async (folder) => {
    mkdirSync(join(dir, folder))
    const ended = await socketPort(['unit', join(dir, folder, 'a.js'), '--port', '8080'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toMatch(/^socket-port: error: '.*' ends in a (space|backslash), which/)
  })

  test('says who cannot read a node in a home, and the repair', async () => {
    const words = ['unit', '/srv/shop/server.js', '--port', '8080', '--node', '/root/.nvm/node']
    const { stdout, stderr } = await socketPort(words)
    expect(stderr).toMatch(
      /DynamicUser= cannot read '\/root\/.nvm\/node' \(it is under \/root\). Pass --user NAME, .*, or --node PATH/,
    )
    expect(stdout).toContain('ProtectHome=read-only\n')
  })

  describe(...requireOrSkip('systemd-analyze', commandSkipReason('systemd-analyze')), () => {
    const verify = (): { status: number | null; output: string } => {
      const files = readdirSync(dir).map((name) => join(dir, name))
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...files], {
        encoding: 'utf8',
      })
      return { status, output: stdout + stderr }
    }
    const full = ['--user', 'daemon', '--env-file', '/etc/shop.env', '--watchdog', '10s']

    test.each(WAYS)('finds nothing wrong: %s', async (way) => {
      await socketPort(['unit', ...args, '--way', way, '-o', dir])
      await socketPort(['unit', ...args, ...full, '--way', way, '--name', 'web', '-o', dir])
      expect(verify()).toEqual({ status: 0, output: '' })
    })

    test('finds nothing wrong where paths hold what units escape', async () => {
      const odd = join(dir, 'my 100% "$HOME"; app.js')
      await socketPort(['unit', odd, '--name', 'odd', '--port', '80', '--way', 'run', '-o', dir])
      expect(verify()).toEqual({ status: 0, output: '' })
    })

    test('finds what is wrong, if anything is', async () => {
      await socketPort(['unit', ...args, '--way', 'store', '-o', dir])
      const file = join(dir, 'shop.service')
      writeFileSync(file, readFileSync(file, 'utf8').replace('ProtectHome=', 'ProtectHouse='))
      expect(verify().output).toContain('ProtectHouse')
    })

    test.each(WAYS)('rates the exposure of %s as OK', async (way) => {
      await socketPort(['unit', ...args, '--way', way, '-o', dir])
      const rate = ['security', '--offline=yes', '--threshold=20', join(dir, 'shop.service')]
      const { status, stdout } = spawnSync('systemd-analyze', rate, { encoding: 'utf8' })
      expect(status, stdout).toBe(0)
    })
  })
})
