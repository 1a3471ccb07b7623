import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { inheritedSockets } from '../listen/inherited-sockets.ts'
import { notify } from '../notify/notify.ts'
import { attach } from '../service/attach.ts'
import { serve } from '../service/serve.ts'
import { fakeSystemctl } from '../testing/fake-program.ts'
import { startedWith } from '../testing/manager-socket.ts'
import { closeAll, onClose, temporaryDirectory } from '../testing/real-sockets.ts'
import { diagnose } from './diagnose.ts'
import { problemCodes } from './rules/codes.ts'
import type { DiagnoseOptions } from './rules/types.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await closeAll()
})

describe('diagnose', () => {
  it('lists what this process serves', async () => {
    const service = await serve(createServer(), { port: 0, host: '127.0.0.1', signals: false })
    onClose(() => service.close())
    const { pid, command, listeners, problems } = await diagnose()
    expect(pid).toBe(process.pid)
    expect(command).toMatch(/./)
    expect(listeners).toEqual([
      {
        request: 'port 0 on 127.0.0.1',
        source: 'bound',
        fd: undefined,
        address: `127.0.0.1:${service.port}`,
      },
    ])
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
    await service.close()
    expect((await diagnose()).listeners).toEqual([])
  })

  it('lists a server that listened before it was attached', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const attached = attach(server, { signals: false, exit: false })
    onClose(() => attached.drain())
    expect((await diagnose()).listeners).toEqual([
      {
        request: `port ${port}`,
        source: 'bound',
        fd: undefined,
        address: `127.0.0.1:${port}`,
      },
    ])
    await attached.drain()
    expect((await diagnose()).listeners).toEqual([])
  })

  it('claims no variable of the manager, and shows those that were claimed before', async () => {
    const variables = {
      LISTEN_FDS: '2',
      LISTEN_PID: String(process.ppid),
      NOTIFY_SOCKET: '/nowhere/notify',
    }
    startedWith(variables)
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const expected = {
      environment: variables,
      problems: expect.arrayContaining([expect.objectContaining({ code: 'WRAPPER' })]),
    }
    expect(await diagnose({ logger })).toMatchObject(expected)
    expect(process.env).toMatchObject(variables)
    expect(inheritedSockets({ logger })).toEqual([])
    notify({ status: 'up' }, { logger })
    expect(Object.keys(process.env).filter((name) => name in variables)).toEqual([])
    expect(await diagnose({ logger })).toMatchObject(expected)
  })

  it('looks at a unit from outside', async () => {
    fakeSystemctl(`case "$*" in
*Version*) echo 257 ;;
*app.socket) printf 'Id=app.socket\\nLoadState=not-found\\n' ;;
*) printf 'Id=app.service\\nLoadState=loaded\\nActiveState=failed\\nMainPID=0\\n' ;;
esac`)
    const { pid, seen, starter, unknown, problems } = await diagnose({ unit: 'app' })
    expect({ pid, seen, unknown, problems }).toEqual({
      pid: 0,
      seen: 'unit',
      unknown: [],
      problems: [],
    })
    expect(starter).toMatchObject({ kind: 'systemd', unit: 'app.service', version: '257' })
  })

  it('shows what was passed to a running unit, and says what is not visible', async () => {
    const server = createServer().listen({ port: 0, host: '127.0.0.1' })
    onClose(() => void server.close())
    await once(server, 'listening')
    // As systemd does it: the socket is fd 3, and the variables name the very process. After the line it must not call
    // exec(): during that its environment reads as empty.
    const program = 'exec sh -c "echo started; read _"'
    const script = `LISTEN_FDS=2 LISTEN_FDNAMES=web:gone LISTEN_PID=$$ ${program}`
    const { _handle: handle } = server as unknown as { _handle: { fd: number } }
    const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore', handle.fd] })
    onClose(() => void child.kill())
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    fakeSystemctl(`case "$*" in
*Version*) echo 257 ;;
*app.socket) printf 'Id=app.socket\\nLoadState=not-found\\n' ;;
*) printf 'Id=app.service\\nLoadState=loaded\\nActiveState=active\\nMainPID=${child.pid}\\n' ;;
esac`)
    const { seen, environment, sockets, unknown, problems } = await diagnose({ unit: 'app' })
    expect({ seen, problems }).toEqual({ seen: 'unit', problems: [] })
    expect(environment).toMatchObject({ LISTEN_FDS: '2', LISTEN_PID: String(child.pid) })
    const { port } = server.address() as AddressInfo
    expect(sockets).toMatchObject([
      { fd: 3, name: 'web', address: '127.0.0.1', port, listening: true, taken: undefined },
    ])
    expect(unknown).toEqual([
      expect.stringMatching(/^what 1 of 2 passed descriptors were: /),
      expect.stringMatching(/not visible from outside. Call diagnose\(\)/),
    ])
  })

  it('looks at another process, its starter and its service', async () => {
    const script = 'LISTEN_FDS=1 LISTEN_PID=$$ exec sh -c "sh -c \'echo \\$\\$; read _\'; true"'
    const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
    onClose(() => void child.kill())
    const [printed] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    const pid = Number(printed)
    onClose(() => void process.kill(pid))
    const { seen, environment, problems } = await diagnose({ pid })
    expect({ seen, environment }).toEqual({
      seen: 'unit',
      environment: { LISTEN_FDS: '1', LISTEN_PID: String(child.pid) },
    })
    expect(problems).toMatchObject([
      { code: 'WRAPPER', problem: expect.stringContaining(`and pid ${pid} (`) },
    ])
  })

  it('says that the process does not exist', async () => {
    const child = spawn('true')
    await once(child, 'exit')
    const { seen, unknown } = await diagnose({ pid: child.pid })
    expect(seen).toBe('nothing')
    expect(unknown[0]).toBe(`what was passed: there is no process ${child.pid}`)
  })

  it('waits for systemd no longer than its timeout', async () => {
    fakeSystemctl('exec sleep 600')
    const { seen, unknown, problems } = await diagnose({ unit: 'app.service', timeout: 50 })
    expect(seen).toBe('nothing')
    expect(unknown).toEqual(['what app.service says: systemctl did not answer (it took too long)'])
    expect(problems).toEqual([])
  })

  it('says why systemd did not answer', async () => {
    fakeSystemctl('echo "Failed to connect to bus" >&2; exit 1')
    const { unknown } = await diagnose({ unit: 'app.service' })
    expect(unknown).toEqual([
      'what app.service says: systemctl did not answer (Failed to connect to bus)',
    ])
  })

  it('says that systemctl is missing', async () => {
    vi.stubEnv('PATH', temporaryDirectory())
    const { unknown } = await diagnose({ unit: 'app.service' })
    expect(unknown).toEqual([expect.stringMatching(/ENOENT/)])
  })

  it.each([
    [{ unit: '--help' }, 'ERR_SOCKET_PORT_INVALID_OPTION'],
    [{ unit: 'a b' }, 'ERR_SOCKET_PORT_INVALID_OPTION'],
    [{ pid: 0 }, 'ERR_SOCKET_PORT_INVALID_OPTION'],
    [{ pid: 1, unit: 'a' }, 'ERR_SOCKET_PORT_INVALID_OPTION'],
    [{ timeout: -1 }, 'ERR_SOCKET_PORT_INVALID_OPTION'],
    [{ units: 'a' }, 'ERR_SOCKET_PORT_UNKNOWN_OPTION'],
    ['app.service', 'ERR_SOCKET_PORT_INVALID_OPTION'],
  ])('refuses %j', async (options, code) => {
    await expect(diagnose(options as DiagnoseOptions)).rejects.toMatchObject({ code })
  })
})

describe('docs/diagnosis.md', () => {
  const text = readFileSync(new URL('../../../../docs/diagnosis.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (.+) \| (.+) \|$/gm)]

  it('has a row for each code, with the meaning that the source gives, in its order', () => {
    expect(rows.map(([, code, meaning]) => [code, meaning])).toEqual(Object.entries(problemCodes))
  })

  it('has no fix twice', () => {
    expect(new Set(rows.map(([, , , fix]) => fix)).size).toBe(rows.length)
  })
})
