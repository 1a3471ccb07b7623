import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandEnd, socketPort } from '@socket-port/testkit/command'
import { type Generation, startGeneration } from '@socket-port/testkit/generation'
import { requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { describe, expect, it } from 'vitest'
import { afterTest, fixture, start } from './supervising.ts'

// A control socket is asked only where nobody else could have put it.

/** A shared temporary folder: everybody may create, and remove what is their own. */
function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'socket-port-shared-'))
  chmodSync(folder, 0o1777)
  afterTest(() => rmSync(folder, { recursive: true }))
  return folder
}

// Root looks in /run/socket-port too, where nobody else is to be asked.
const NAME = `impostor-${process.pid}`

async function impostor(env: Record<string, string>): Promise<Generation> {
  const child = startGeneration({ script: fixture('cli-impostor.mjs'), env: { ...env, NAME } })
  await child.ready()
  return child
}

const asRoot = (folder: string, ...args: string[]): Promise<CommandEnd> =>
  socketPort(args, { env: { TMPDIR: folder, XDG_RUNTIME_DIR: '' } })

describe(...requireOrSkip('a control socket of another user', rootSkipReason()), () => {
  it.each(['755', '700', '777', '1777'])(
    'is not asked by its name, in a directory with the mode %s that was there first',
    async (MODE) => {
      const folder = sharedFolder()
      const child = await impostor({ DIRECTORY: join(folder, 'socket-port-0'), MODE })
      for (const command of ['reload', 'status', 'stop']) {
        const named = await asRoot(folder, command, '--name', NAME)
        expect(named).toMatchObject({ code: 3, stdout: '' })
        expect(named.stderr).toContain(
          `${NAME}.sock belongs to another user, or another user can replace it`,
        )
      }
      expect(child.output).not.toContain('asked')
    },
  )

  it('is not asked through a symlink', async () => {
    const folder = sharedFolder()
    const DIRECTORY = join(folder, 'elsewhere')
    const child = await impostor({ DIRECTORY })
    symlinkSync(DIRECTORY, join(folder, 'socket-port-0'))
    expect(await asRoot(folder, 'reload', '--name', NAME)).toMatchObject({ code: 3, stdout: '' })
    expect(child.output).not.toContain('asked')
  })

  it('is not believed in a directory that is ours, nor in one that everybody writes to', async () => {
    const folder = sharedFolder()
    const own = join(folder, 'socket-port-0')
    mkdirSync(own)
    chownSync(own, 65534, 65534)
    await impostor({ DIRECTORY: own })
    // As if it had been there for a moment only.
    chownSync(own, 0, 0)
    const named = await asRoot(folder, 'reload', '--name', NAME)
    expect(named).toMatchObject({ code: 3, stdout: '' })
    const path = join(own, `${NAME}.sock`)
    expect(await asRoot(folder, 'reload', '--control', path)).toMatchObject({ code: 3, stdout: '' })

    const DIRECTORY = join(folder, 'other')
    await impostor({ DIRECTORY, MODE: '1777' })
    const control = join(DIRECTORY, `${NAME}.sock`)
    expect(await asRoot(folder, 'reload', '--control', control)).toMatchObject({ code: 3 })
  })

  it('is asked by root who names it in a directory of that user, and its words are plain', async () => {
    const folder = sharedFolder()
    const DIRECTORY = join(folder, 'app')
    await impostor({ DIRECTORY })
    expect(await asRoot(folder, 'reload', '--control', join(DIRECTORY, `${NAME}.sock`))).toEqual({
      code: 0,
      stdout: 'generation 7 serves\\u{202e}\n',
      stderr: '',
    })
  })
})

it('what a process says of itself, and prints, is shown without control characters', async () => {
  const command = [process.execPath, fixture('cli-rude.mjs')]
  const supervised = await start({ command })
  const { stdout } = await supervised.ask('status')
  expect(stdout).toContain('\\u{202e}\n')
  expect(stdout).not.toMatch(/[^\n\t\P{Cc}]|\p{Cf}/u)
  const json = await supervised.ask('status', '--json')
  expect(json.stdout).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u)
  expect(JSON.parse(json.stdout).command).toEqual(command)
  const { code, stderr } = await supervised.ask('reload')
  expect(code).toBe(1)
  expect(stderr).toContain('  | screen cleared\\u{8}\n')
  expect(stderr).not.toMatch(/[^\n\t\P{Cc}]|\p{Cf}/u)
})

it('what is no answer is none', async () => {
  const folder = sharedFolder()
  const path = join(folder, 'x.sock')
  const answers = [
    '{}',
    '{"answer":null}',
    '{"answer":{"ok":true,"exitCode":0}}',
    '{"line":7}',
    '{"answer":{"ok":true,"exitCode":"toString","message":"x"}}',
    '{"answer":{"ok":true,"exitCode":77,"message":"x"}}',
  ]
  const server = createServer((socket) => socket.end(`${answers.pop()}\n`)).listen(path)
  await once(server, 'listening')
  afterTest(() => server.close())
  while (answers.length > 0) {
    const { code, stdout, stderr } = await socketPort(['reload', '--control', path])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('the connection was closed before the answer')
  }
})
