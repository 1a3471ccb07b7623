import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bindFd } from '@socket-port/core/supervisor'
import { requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ControlTarget, controlRequest, statuses } from './client.ts'
import {
  controlDirectories,
  controlPath,
  findControlPaths,
  isTrusted,
  isTrustedPeer,
} from './path.ts'
import type { ControlAnswer, ControlCommand } from './protocol.ts'
import { type ControlServer, type Handler, openControlServer } from './server.ts'

const answer: ControlAnswer = { ok: true, exitCode: 0, message: 'done' }
const servers: ControlServer[] = []
let directory = ''
// Instead of the directories of this user: a `socket-port run` may answer there, and would be stopped.
let own = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  own = join(directory, 'socket-port')
})

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
  rmSync(directory, { recursive: true })
})

const pathOf = (name: string): string => controlPath(name, own)

const request = (command: ControlCommand, target?: ControlTarget): Promise<ControlAnswer> =>
  controlRequest(command, target, [own])

async function open(name: string, handle: Handler = async () => answer): Promise<ControlServer> {
  const server = await openControlServer(pathOf(name), handle)
  servers.push(server)
  return server
}

describe('a request', () => {
  it('is answered, with progress before', async () => {
    await open('web', async (command, progress) => {
      progress(`${command} 1`)
      progress('two\nlines')
      return { ...answer, message: 'all\nwell' }
    })
    const lines: string[] = []
    const onLine = (line: string): void => void lines.push(line)
    expect(await request('reload', { name: 'web', onLine })).toEqual({
      ok: true,
      exitCode: 0,
      message: 'all\nwell',
    })
    expect(lines).toEqual(['reload 1', 'two\nlines'])
  })

  it('needs no name if one run answers, and a name if several do', async () => {
    await open('web')
    expect(await request('status')).toEqual(answer)
    await open('admin')
    expect(await request('status')).toMatchObject({
      ok: false,
      exitCode: 2,
      message: 'several socket-port run answer: admin, web; choose one with --name',
    })
    expect(await request('status', { name: 'web' })).toEqual(answer)
  })

  it('for the status goes to every run, unless it names one', async () => {
    await open('web', async () => ({ ...answer, message: 'web' }))
    expect(await statuses({}, [own])).toMatchObject([{ message: 'web' }])
    await open('admin', async () => ({ ...answer, message: 'admin' }))
    expect(await statuses({}, [own])).toMatchObject([{ message: 'admin' }, { message: 'web' }])
    expect(await statuses({ name: 'web' }, [own])).toMatchObject([{ message: 'web' }])
    expect(await statuses({ name: 'none' }, [own])).toMatchObject([{ ok: false, exitCode: 3 }])
  })

  it.each([
    [{}, 'no socket-port run of this user answers in '],
    [{ name: 'web' }, 'no socket-port run answers under the name web; '],
    [{ control: '/nowhere/x.sock' }, 'no socket-port run answers under /nowhere/x.sock; '],
  ])('that reaches no run: %j', async (target, message) => {
    expect(await request('stop', target)).toMatchObject({
      ok: false,
      exitCode: 3,
      message: expect.stringContaining(message),
    })
  })

  it('that is never answered fails', async () => {
    const path = join(directory, 'x.sock')
    const server = createServer((socket) => socket.end()).listen(path)
    await once(server, 'listening')
    expect(await request('reload', { control: path })).toMatchObject({
      ok: false,
      exitCode: 1,
    })
    server.close()
  })

  it('for the status fails if the process is stopped (SIGSTOP)', async () => {
    let goOn = (_: ControlAnswer): void => {}
    const later = new Promise<ControlAnswer>((resolve) => {
      goOn = resolve
    })
    await open('web', () => later)
    const [silent] = await statuses({}, [own], 50)
    expect(silent).toMatchObject({ ok: false, exitCode: 3 })
    expect(silent?.message).toContain(
      `process ${process.pid}, which listens on ${pathOf('web')}, has not answered for 0.05 s`,
    )
    goOn(answer)
  })
})

describe('the server', () => {
  it('handles one request of each connection', async () => {
    let requests = 0
    const { path } = await open('web', async () => {
      requests += 1
      return answer
    })
    const client = connect(path).resume()
    const closed = new Promise((resolve) => client.once('close', resolve))
    // What it has not read yet may be reset.
    client.on('error', () => {}).write('{"command":"status"}\n'.repeat(1_000))
    await closed
    expect(requests).toBe(1)
  })

  it('is for this user alone', async () => {
    const { path } = await open('web')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(own).mode & 0o777).toBe(0o700)
  })

  it('leaves no file behind', async () => {
    const server = await open('web')
    await server.close()
    servers.pop()
    expect(existsSync(server.path)).toBe(false)
  })

  it('does not replace a socket on which a process answers', async () => {
    await open('web')
    await expect(open('web')).rejects.toMatchObject({ exitCode: 4, name: 'CommandError' })
    expect(await request('status')).toEqual(answer)
  })

  it('replaces a stale socket', async () => {
    const path = pathOf('web')
    // As after SIGKILL: the file stays, and nobody listens.
    closeSync(await bindFd({ path }))
    expect(existsSync(path)).toBe(true)
    await open('web')
    expect(await request('status')).toEqual(answer)
  })

  it('leaves a file that has replaced its socket', async () => {
    const server = await open('web')
    rmSync(server.path)
    const other = createServer().listen(server.path)
    await once(other, 'listening')
    servers.pop()
    await server.close()
    expect(existsSync(server.path)).toBe(true)
    other.close()
  })

  it('replaces no file that is not a socket', async () => {
    const path = pathOf('web')
    for (const make of [() => writeFileSync(path, 'mine'), () => symlinkSync('/nowhere', path)]) {
      make()
      await expect(open('web')).rejects.toMatchObject({ exitCode: 4, name: 'CommandError' })
      rmSync(path)
    }
  })

  it('of two that find a stale socket, one replaces it, and the other reports that the name is taken', async () => {
    closeSync(await bindFd({ path: pathOf('web') }))
    const outcomes = await Promise.allSettled([open('web'), open('web'), open('web')])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
    ])
    expect(await request('status')).toEqual(answer)
  })

  it('answers what was asked before it closes', async () => {
    let finish = (): void => {}
    const asked = new Promise<void>((begun) => {
      void open('web', () => {
        begun()
        return new Promise((resolve) => {
          finish = () => resolve(answer)
        })
      }).then(() => requests.push(request('stop', { name: 'web' })))
    })
    const requests: Promise<ControlAnswer>[] = []
    await asked
    const closed = servers.pop()?.close()
    finish()
    await closed
    expect(await requests[0]).toEqual(answer)
  })

  it.each(['garbage\n', '{"command":"explode"}\n', '1\n', 'null\n'])('ends on %j', async (text) => {
    const { path } = await open('web')
    const socket = connect(path)
    socket.write(text)
    socket.resume()
    await once(socket, 'close')
  })
})

describe('whose answer is believed', () => {
  const uid = process.geteuid?.() ?? -1
  const nobody = 65_534

  it('that of this user and of root, in any directory', () => {
    for (const path of [join(directory, 'x.sock'), '/nowhere/x.sock']) {
      expect([uid, 0].map((who) => isTrustedPeer(path, who))).toEqual([true, true])
    }
  })

  it('that of no other user', () => {
    chmodSync(directory, 0o777)
    expect(isTrustedPeer(join(directory, 'x.sock'), nobody)).toBe(false)
    expect(isTrustedPeer('/nowhere/x.sock', nobody)).toBe(false)
  })

  describe(...requireOrSkip('to root', rootSkipReason()), () => {
    it('that of a user in a directory of its own', () => {
      const path = join(directory, 'x.sock')
      expect(isTrustedPeer(path, nobody)).toBe(false)
      chownSync(directory, nobody, nobody)
      chmodSync(directory, 0o755)
      expect(isTrustedPeer(path, nobody)).toBe(true)
      chmodSync(directory, 0o775)
      expect(isTrustedPeer(path, nobody)).toBe(false)
    })
  })
})

describe('the path', () => {
  it.each<[NodeJS.ProcessEnv, number, string | RegExp]>([
    [{ XDG_RUNTIME_DIR: '/run/user/1' }, 1, '/run/user/1/socket-port'],
    [{ XDG_RUNTIME_DIR: 'relative' }, 7, /\/socket-port-7$/],
    [{}, 7, /\/socket-port-7$/],
    [{}, 0, '/run/socket-port'],
  ])('%j, user %s: %s', (env, uid, first) => {
    const [directory] = controlDirectories(env, uid)
    if (typeof first === 'string') expect(directory).toBe(first)
    else expect(directory).toMatch(first)
  })

  it('is short enough whatever the name', () => {
    const path = pathOf('x'.repeat(200))
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(107)
    expect(path).not.toBe(pathOf('y'.repeat(200)))
  })

  it('is in a directory that is created, with those above it', () => {
    const deep = join(directory, 'a', 'b')
    expect(controlPath('web', deep)).toBe(join(deep, 'web.sock'))
    expect(controlPath('web', deep)).toBe(join(deep, 'web.sock'))
    expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o700)
  })

  it.each(['/proc/nowhere/socket-port', '/dev/null/socket-port'])(
    'is not in %s, which cannot be created',
    (path) => {
      expect(() => controlPath('web', path)).toThrow(/^E(NOENT|NOTDIR|ROFS)\b/)
    },
  )

  it('is in no directory into which others write', () => {
    chmodSync(join(pathOf('web'), '..'), 0o777)
    expect(isTrusted(own)).toBe(false)
    expect(() => pathOf('web')).toThrow(
      `${own} can be changed by other users (mode 777); run chmod go-w on it, or pass --control PATH`,
    )
    expect(findControlPaths([own])).toEqual([])
  })

  it('is in no directory that is a symlink', () => {
    symlinkSync(directory, own)
    expect(() => pathOf('web')).toThrow(`${own} is a symlink; remove it, or pass --control PATH`)
  })
})
