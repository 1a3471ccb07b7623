import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { untilLost } from '@socket-port/testkit/load/until-lost'
import { isRunning, untilGone } from '@socket-port/testkit/until-gone'
import { build as esbuild } from 'esbuild'
import { describe, expect, it } from 'vitest'
import {
  type Bundle,
  type BundleOptions,
  bundle,
  installCore,
  installNative,
} from '../../src/bundle.ts'
import { BUNDLE } from '../../src/docs/commands.ts'
import { programsOf } from '../../src/docs/programs.ts'
import {
  afterTest,
  expectNothingLost,
  expectStops,
  pidsOf,
  SERVER,
  start,
  startUpload,
  supervise,
  underLoad,
  untilDrained,
  untilStatus,
  who,
} from './supervising.ts'

const BUNDLERS = ['esbuild', 'rolldown'] as const
const FORMATS = ['cjs', 'esm'] as const
const ALL = BUNDLERS.flatMap((bundler) => FORMATS.map((format) => ({ bundler, format })))

const REQUIRE =
  "import { createRequire } from 'module'; const require = createRequire(import.meta.url);"

const MISSING = `Cannot find module '@koromix/koffi-${process.platform}-${process.arch}'`

async function bundled(options: Omit<BundleOptions, 'program'>): Promise<Bundle> {
  const made = await bundle({ program: 'bundled-server.mjs', ...options })
  afterTest(() => made.dispose())
  return made
}

describe.each(ALL)('a program that $bundler has made one file of, as $format', (options) => {
  it('is built without a warning', async () => {
    expect((await bundled(options)).warnings).toEqual([])
  })

  it('is ready, reloads without a loss, and says what is missing, without node_modules', async () => {
    const { file, folder } = await bundled(options)
    const supervised = await start({ command: [process.execPath, file], cwd: folder })
    expect((await supervised.status()).generations[0]?.workers[0]?.status).toMatch(/^listening on /)
    const result = await underLoad(await supervised.port(), async (load) => {
      for (let reload = 0; reload < 3; reload += 1) {
        expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
        await load.oneRequestEach()
      }
    })
    expectNothingLost(result)
    await untilDrained(supervised)
    await expectStops(supervised)
    const { stdout } = supervised.generation
    expect(stdout).toContain(`libc cannot be used (${MISSING})`)
    expect(stdout).not.toContain('notifications do not reach')
  })

  it('hands connections over where the platform package is beside it', async () => {
    const { file, folder, addNative } = await bundled(options)
    addNative()
    const supervised = await start({ command: [process.execPath, file], cwd: folder })
    const result = await underLoad(await supervised.port(), () => supervised.ask('reload'), {
      connection: 'keep-alive',
    })
    expectNothingLost(result)
    await untilDrained(supervised)
    expect((await supervised.status()).connections.received).toBeGreaterThan(0)
    await expectStops(supervised)
    expect(supervised.generation.stdout).not.toMatch(/warning|libc/)
  })
})

describe('a program of one file', () => {
  // How the server closes does not depend on the bundler.
  it('negative control: with plain server.close() it loses requests', async () => {
    const { file, folder } = await bundled({ bundler: 'esbuild', format: 'cjs' })
    const command = [process.execPath, file]
    const supervised = await start({ command, cwd: folder, env: { PLAIN: '1' } })
    const port = await supervised.port()
    await untilLost(() =>
      underLoad(
        port,
        async (load) => {
          expect(await supervised.ask('reload')).toMatchObject({ code: 0 })
          await load.oneRequestEach()
        },
        { rtt: 20 },
      ),
    )
  })
})

describe.each(BUNDLERS)('as esm, %s lets a banner declare', (bundler) => {
  it.each([
    REQUIRE,
    "import { createRequire } from 'node:module'; globalThis.require = createRequire(import.meta.url);",
    [
      "import { createRequire } from 'module'; import path from 'path'; import url from 'url';",
      'const require = createRequire(import.meta.url);',
      'const __filename = url.fileURLToPath(import.meta.url);',
      'const __dirname = path.dirname(__filename);',
    ].join('\n'),
  ])('%s', async (banner) => {
    const { file } = await bundled({ bundler, format: 'esm', banner })
    const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const supervised = await start({ command: [process.execPath, file] })
    await expectStops(supervised)
  })
})

it('as esm, webpack takes __filename for a string: the platform package is found', async () => {
  const { file, folder, addNative } = await bundled({ bundler: 'esbuild', format: 'esm' })
  addNative()
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('typeof __filename', "'string'"))
  const supervised = await start({ command: [process.execPath, file], cwd: folder })
  await expectStops(supervised)
  expect(supervised.generation.stdout).not.toMatch(/warning|libc/)
})

describe('docs/bundling.md', () => {
  it.each(BUNDLERS)('types what makes a bundle with everything, by %s', async (bundler) => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-project-'))
    const moved = mkdtempSync(join(tmpdir(), 'socket-port-moved-'))
    afterTest(() => rmSync(folder, { recursive: true }))
    afterTest(() => rmSync(moved, { recursive: true }))
    installCore(folder)
    installNative(folder)
    const [program] = programsOf('README.md')
    writeFileSync(join(folder, 'server.js'), program?.code ?? '')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url))
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
    const others = BUNDLERS.filter((name) => name !== bundler)
    for (const line of BUNDLE) {
      if (others.some((name) => line.startsWith(`npx ${name}`))) continue
      execFileSync('sh', ['-ec', line.replace('npx ', '')], { cwd: folder, env, stdio: 'ignore' })
    }
    renameSync(join(folder, 'out'), join(moved, 'out'))
    const supervised = await start({ command: [process.execPath, join(moved, 'out/server.mjs')] })
    await expectStops(supervised)
    expect(supervised.generation.stdout).not.toContain('libc')
  })
})

describe.each(FORMATS)('as %s, a bundle of', (format) => {
  it.each([
    ['express', "import express from '@socket-port/express'; express().listen(0)"],
    ['koa', "import Koa from '@socket-port/koa'; new Koa().listen(0)"],
    [
      'fastify',
      `import Fastify from 'fastify'; import socketPort from '@socket-port/fastify';
       const app = Fastify(); app.register(socketPort).then(() => app.listen({ port: 0 }))`,
    ],
  ])('%s is ready', async (_, contents) => {
    const folder = mkdtempSync(join(tmpdir(), 'socket-port-adapter-'))
    afterTest(() => rmSync(folder, { recursive: true }))
    const file = join(folder, `server.${format === 'esm' ? 'mjs' : 'cjs'}`)
    await esbuild({
      stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
      bundle: true,
      platform: 'node',
      format,
      outfile: file,
      logLevel: 'silent',
      // Of docs/bundling.md.
      ...(format === 'esm' && { banner: { js: REQUIRE } }),
    })
    const supervised = await start({ command: [process.execPath, file], cwd: folder })
    expect((await supervised.ask('reload')).code).toBe(0)
    await untilDrained(supervised)
    await expectStops(supervised)
  })
})

describe('with --no-addons', () => {
  const command = [process.execPath, '--no-addons', SERVER]

  it('what a process says before it ends reaches socket-port run', async () => {
    const supervised = await start({ command })
    const port = await supervised.port()
    const upload = await startUpload(port)
    const [pid = 0] = await pidsOf(supervised)
    process.kill(pid, 'SIGTERM')
    // Before it ends: another one takes its place while it drains.
    await supervised.printed(/generation 1 .*\(STOPPING=1\)/)
    await supervised.printed(/is ready(.|\n)*is ready/)
    expect(isRunning(pid)).toBe(true)
    upload.end('rest')
    await once(upload, 'close')
    await untilGone(pid)
    await expectStops(supervised)
  })

  it('nobody follows the last generation, so new connections are served while it drains', async () => {
    const supervised = await start({ command })
    const port = await supervised.port()
    const { pid } = await who(port)
    const upload = await startUpload(port)
    supervised.generation.signal('SIGTERM')
    await untilStatus(supervised, /^draining: 1 request; \d+ s left$/)
    expect((await who(port)).pid).toBe(pid)
    upload.end('rest')
    await once(upload, 'close')
    expect(await supervised.generation.exit).toMatchObject({ code: 0, signal: null })
  })

  // A shell stays, because something comes after the program.
  const wrapped = ['sh', '-c', `${command.join(' ')}; true`]

  it('a process below a wrapper is not taken for the one that was started', async () => {
    const args = ['--listen', '127.0.0.1:0', '--ready-timeout', '1s']
    const supervised = supervise({ command: wrapped, args, env: { INHERIT: 'prefer' } })
    expect(await supervised.generation.exit).toMatchObject({ code: 1 })
    expect(supervised.generation.stdout).not.toMatch(/is ready/)
  })

  it('a process below a wrapper is heard with --notify-access all', async () => {
    const args = ['--listen', '127.0.0.1:0', '--notify-access', 'all']
    const supervised = await start({ command: wrapped, args, env: { INHERIT: 'prefer' } })
    await expectStops(supervised)
  })
})
