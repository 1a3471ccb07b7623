import { execFileSync } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGeneration } from '@socket-port/testkit/generation'
import { type Listener, listenerBacklog, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadLibc } from '../../../packages/core/src/sockets/libc.ts'
import {
  fixture,
  type Listening,
  portOf,
  type Report,
  replyFrom,
  startListening,
} from './report.ts'

let listener: Listener

beforeEach(() => {
  listener = openListener()
})

afterEach(async () => {
  await endProcesses()
  listener.close()
})

/** Without a socket of its own the process binds one: the port of the manager is not free. */
const BOUND = { source: 'bound' }

/** Ends the process and returns what it wrote to stderr: all of it. */
async function stderrOf({ process }: Listening): Promise<string> {
  process.signal('SIGKILL')
  await process.exit
  return process.stderr
}

describe('a socket that was passed', () => {
  it('is taken, served, and said to be inherited', async () => {
    const { port } = listener
    const listening = await startListening([{ port }], { sockets: [listener] })
    const { outcomes, warnings, variables, sockets } = listening.report
    const address = { address: '::', family: 'IPv6', port }
    expect(outcomes).toEqual([{ source: 'inherited', fd: 3, name: 'unknown', address }])
    expect({ warnings, variables }).toEqual({ warnings: [], variables: [] })
    expect(sockets).toEqual([
      {
        fd: 3,
        name: 'unknown',
        family: 'IPv6',
        address: '::',
        port,
        ipv6Only: false,
        listening: true,
        backlog: 4096,
        queueLength: 0,
        taken: true,
        stored: false,
      },
    ])
    expect(await replyFrom({ port })).toBe('0')
    expect(await replyFrom({ port, host: '::1' })).toBe('0')
    expect(await stderrOf(listening)).toBe('')
  })

  it('serves what came before the process did', async () => {
    const early = replyFrom(listener)
    await startListening([{ port: listener.port }], { sockets: [listener] })
    expect(await early).toBe('0')
  })

  it('is left to the manager when the process ends', async () => {
    const { port } = listener
    for (const _ of [1, 2]) {
      const listening = await startListening([{ port }], { sockets: [listener] })
      expect(await replyFrom({ port })).toBe('0')
      await stderrOf(listening)
    }
    const later = replyFrom({ port })
    await startListening([{ port }], { sockets: [listener] })
    expect(await later).toBe('0')
  })

  it.each([1, 128, 4096])('keeps its backlog of %i', async (backlog) => {
    const own = openListener({ backlog })
    const listening = await startListening([{ port: own.port, backlog: 7 }], { sockets: [own] })
    expect(listenerBacklog(own.fd)).toBe(backlog)
    expect(listening.report.sockets).toMatchObject([{ backlog }])
    expect(await replyFrom(own)).toBe('0')
    expect(listenerBacklog(own.fd)).toBe(backlog)
    await stderrOf(listening)
    expect(listenerBacklog(own.fd)).toBe(backlog)
    own.close()
  })
})

describe('LISTEN_PID', () => {
  it('may be absent', async () => {
    const { port } = listener
    const options = { sockets: [listener], inherit: 'no-pid' } as const
    const { report } = await startListening([{ port }], options)
    expect(report).toMatchObject({ outcomes: [{ source: 'inherited' }], warnings: [] })
  })

  it.each([
    [
      '1',
      /^no socket is inherited: the sockets were passed to process 1, but this is process \d+\. /,
    ],
    ['', /^no socket is inherited: LISTEN_PID is "", not a process id; unset it or set it to /],
    [
      '$$',
      /^no socket is inherited: LISTEN_PID is "\$\$", not a process id; unset it or set it to /,
    ],
  ])('%j is refused, and the process starts cold', async (LISTEN_PID, warning) => {
    const { report } = await startListening([{ port: 0 }], {
      sockets: [listener],
      inherit: 'no-pid',
      env: { LISTEN_PID },
    })
    expect(report).toMatchObject({ outcomes: [BOUND], variables: [], sockets: [], koffi: false })
    expect(report.warnings).toEqual([expect.stringMatching(warning)])
  })
})

describe('LISTEN_PIDFDID', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  /** The inode by which the kernel knows a process; the same small number for all before Linux 6.9. */
  function inodeOf(pid: number): bigint {
    const fd = loadLibc().pidfdOpen(pid)
    if (fd === undefined) throw new Error(`no pidfd for ${pid}`)
    const { ino } = fstatSync(fd, { bigint: true })
    closeSync(fd)
    return ino
  }

  const hasInodes = inodeOf(process.pid) >= 2n ** 32n

  /** The number is known only when the process runs: it waits for it before it becomes the server. */
  async function startFor(idOf: (pid: number) => string): Promise<Report> {
    const wait = 'read -r ID < "$FIFO"; LISTEN_PID=$$ LISTEN_PIDFDID=$ID exec "$0" "$@"'
    const fifo = join(directory, 'id')
    execFileSync('mkfifo', [fifo])
    const started = startGeneration({
      command: ['/bin/sh', '-c', wait, process.execPath, fixture('core-listen.mjs')],
      sockets: [listener],
      inherit: 'no-pid',
      env: { FIFO: fifo, TARGETS: '[{}]' },
    })
    await writeFile(fifo, `${idOf(started.pid)}\n`)
    return (await started.ready()) as Report
  }

  it('of this very process is accepted', async () => {
    const report = await startFor((pid) => String(inodeOf(pid)))
    expect(report).toMatchObject({
      outcomes: [{ source: 'inherited' }],
      warnings: [],
      variables: [],
    })
  })

  it('of another process is refused, where the kernel tells them apart', async () => {
    const report = await startFor(() => String(inodeOf(process.pid)))
    expect(report).toMatchObject({ outcomes: [{ source: hasInodes ? 'bound' : 'inherited' }] })
    const warning = /^no socket is inherited: LISTEN_PIDFDID is \d+, but this process has \d+: /
    expect(report.warnings).toEqual(hasInodes ? [expect.stringMatching(warning)] : [])
    expect(report.variables).toEqual([])
  })

  it('that is no number is refused', async () => {
    const report = await startFor(() => '0xdead')
    expect(report).toMatchObject({ outcomes: [BOUND], variables: [] })
    expect(report.warnings).toEqual([
      'no socket is inherited: LISTEN_PIDFDID is "0xdead", not an inode number; unset it',
    ])
  })
})

describe('LISTEN_FDS and LISTEN_FDNAMES', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    [
      '0',
      { LISTEN_FDS: '0' },
      /^no socket is inherited: LISTEN_FDS is "0", not a number of sockets /,
    ],
    ['a negative number', { LISTEN_FDS: '-1' }, /LISTEN_FDS is "-1"/],
    [
      'a huge number',
      { LISTEN_FDS: '99999999999999999999' },
      /LISTEN_FDS is "99999999999999999999"/,
    ],
    ['garbage', { LISTEN_FDS: '\u001b[2J\n' }, /LISTEN_FDS is "\\u001b\[2J\\n"/],
    [
      'too many names',
      { LISTEN_FDNAMES: 'a:b' },
      /LISTEN_FDNAMES has 2 names \("a:b"\) for LISTEN_FDS=1/,
    ],
  ])('%s: a warning, and a cold start that touches nothing', async (_, env, warning) => {
    const { report } = await startListening([{ port: 0 }], { sockets: [listener], env })
    expect(report).toMatchObject({ outcomes: [BOUND], variables: [], sockets: [], koffi: false })
    expect(report.warnings).toEqual([expect.stringMatching(warning)])
  })

  it('that count more sockets than are open: those that are, are served', async () => {
    const { port } = listener
    const env = { LISTEN_FDS: '1000' }
    const { report } = await startListening([{ port }], { sockets: [listener], env })
    expect(report).toMatchObject({ outcomes: [{ source: 'inherited', fd: 3 }], variables: [] })
    expect(report.warnings).toEqual([
      expect.stringMatching(
        /^the manager passed descriptors that cannot be served, and they are left alone: \d+ of 1000 passed descriptors are not open; /,
      ),
    ])
    expect(await replyFrom({ port })).toBe('0')
  })

  it('may be set where nothing was passed: one warning, and a cold start', async () => {
    const { report } = await startListening([{ port: 0 }, { port: 0 }], {
      inherit: 'none',
      env: { LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' },
    })
    expect(report).toMatchObject({ outcomes: [BOUND, BOUND], variables: [] })
    expect(report.warnings).toHaveLength(1)
    expect(report.warnings[0]).toMatch(
      /^the manager passed descriptors that cannot be served, .* fd 3 "web" is /,
    )
  })
})

describe("inherit: 'require'", () => {
  it('says that nothing was passed', async () => {
    const { report } = await startListening([{ port: 8080, inherit: 'require' }])
    expect(report.outcomes).toEqual([
      {
        code: 'ERR_SOCKET_PORT_NOT_INHERITED',
        message:
          'port 8080 must be inherited, but no socket was passed to this process (LISTEN_FDS, LISTEN_PID); ' +
          "start the process with its manager, or allow binding with inherit: 'prefer'",
      },
    ])
    expect(report.koffi).toBe(false)
  })

  it('lists what was passed, and what of it is taken', async () => {
    const other = openListener()
    const { report } = await startListening(
      [{ name: 'a' }, { port: listener.port, inherit: 'require', host: '::' }],
      {
        sockets: [
          { ...listener, name: 'a' },
          { ...other, name: 'b' },
        ],
      },
    )
    expect(report.outcomes[1]).toEqual({
      code: 'ERR_SOCKET_PORT_NOT_INHERITED',
      message:
        `port ${listener.port} on :: must be inherited, but passed were fd 3 "a" [::]:${listener.port} (taken), ` +
        `fd 4 "b" [::]:${other.port}; start the process with its manager, or allow binding with inherit: 'prefer'`,
    })
    other.close()
  })
})

describe("inherit: 'never'", () => {
  it('binds, whatever was passed', async () => {
    const options = { sockets: [listener] }
    const { report } = await startListening([{ port: 0, inherit: 'never' }], options)
    expect(report).toMatchObject({ outcomes: [BOUND], warnings: [] })
    expect(report.sockets).toMatchObject([{ fd: 3, taken: false }])
  })
})

describe('a cold start', () => {
  it('warns of nothing and loads no native code', async () => {
    const listening = await startListening([{ port: 0 }])
    expect(listening.report).toMatchObject({
      outcomes: [BOUND],
      warnings: [],
      variables: [],
      sockets: [],
      koffi: false,
    })
    expect(await stderrOf(listening)).toBe('')
  })

  it('serves IPv4 and IPv6 on one port', async () => {
    const { report } = await startListening([{ port: 0 }])
    const port = portOf(report)
    expect(await replyFrom({ port })).toBe('0')
    expect(await replyFrom({ port, host: '::1' })).toBe('0')
  })
})

describe('messages', () => {
  const script = fixture('core-serve.mjs')

  it('go to stderr where nobody asked for them: warnings alone', async () => {
    const options = { sockets: [listener], inherit: 'no-pid', env: { LISTEN_PID: '1' } } as const
    const server = startGeneration({ script, ...options })
    await server.ready()
    server.signal('SIGTERM')
    await server.exit
    expect(server.stderr).toMatch(/^socket-port: warning: no socket is inherited: .+\n$/)
  })

  it('are all there with NODE_DEBUG=socket-port', async () => {
    const env = { NODE_DEBUG: 'socket-port' }
    const server = startGeneration({ script, sockets: [listener], env })
    await server.ready()
    server.signal('SIGTERM')
    await server.exit
    const { port } = listener
    const lines = server.stderr
      .trim()
      .replaceAll(/^SOCKET-PORT \d+: /gm, '')
      .split('\n')
    expect(lines).toEqual([
      `inherited fd 3 [::]:${port}`,
      `listening on [::]:${port}, inherited as fd 3`,
      'SIGTERM: draining 1 server',
      expect.stringMatching(
        `^drained http://localhost:${port} in \\d+ ms: 0 requests served meanwhile, `,
      ),
    ])
  })
})
