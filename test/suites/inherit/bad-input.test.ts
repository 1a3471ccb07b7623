import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ListenOptions } from '@socket-port/core'
import { startGeneration } from '@socket-port/testkit/generation'
import { freePort, openListener } from '@socket-port/testkit/native'
import { endProcesses } from '@socket-port/testkit/processes'
import { commandSkipReason, requireOrSkip, rootSkipReason } from '@socket-port/testkit/requirements'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixture, portOf, replyFrom, startListening } from './report.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
})

afterEach(async () => {
  await endProcesses()
  rmSync(directory, { recursive: true })
})

describe('a port in use', () => {
  it.each([
    ['::', undefined],
    ['0.0.0.0', undefined],
    ['127.0.0.1', undefined],
    ['0.0.0.0', '127.0.0.1'],
  ])('at %s, wanted at %s: the message names who holds it', async (taken, host) => {
    const first = await startListening([{ port: 0, host: taken }])
    const port = portOf(first.report)
    const { report } = await startListening([{ port, host }])
    const where = host === undefined ? '' : ` on ${host}`
    expect(report.outcomes).toEqual([
      {
        code: 'EADDRINUSE',
        message: expect.stringMatching(
          `^cannot listen on port ${port}${where} \\(EADDRINUSE\\): it is held by pid ${first.process.pid} \\(${process.execPath.slice(0, 40)}.*\\); ` +
            'stop that process, choose another port, or in development pass killPort: true$',
        ),
      },
    ])
    expect(await replyFrom({ port })).toBe('0')
  })
})

describe('a port that this process has itself', () => {
  it('is not to be freed by ending it: the message says what to do', async () => {
    const port = freePort()
    const { report } = await startListening([{ port }, { port }])
    expect(report.outcomes[1]?.message).toMatch(
      /it is held by this process itself \(pid \d+\); close the server that has it first, or choose another port$/,
    )
  })

  it('is told once where nobody listens for the error', async () => {
    const port = freePort()
    const core = new URL('../../../packages/core/dist/index.js', import.meta.url).href
    const code = `
      import { createServer } from 'node:http'
      import { attach } from '${core}'
      const [first, second] = [createServer(), createServer()]
      for (const server of [first, second]) attach(server)
      first.listen(${port}, () => second.listen(${port}))`
    const command = [process.execPath, '--input-type=module', '-e', code]
    const child = startGeneration({ command })
    expect(await child.exit).toMatchObject({ code: 1 })
    expect(child.stderr.match(/held by this process itself/g)).toHaveLength(1)
    expect(child.stderr).toMatch(/\[cause\]: Error: listen EADDRINUSE: address already in use/)
  })
})

describe('reusePort', () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const works = major > 22 || (major === 22 && minor >= 12)

  it('is an error where Node would ignore it, and works where it would not', async () => {
    const port = freePort()
    const target = { port, reusePort: true }
    const { report } = await startListening([target, target])
    const message =
      `reusePort needs Node 22.12 or 23.1; this is ${process.version}, which would ignore it. ` +
      'Upgrade Node, or share one inherited socket instead'
    expect(report.outcomes).toMatchObject(
      Array(2).fill(works ? { source: 'bound' } : { code: 'ERR_SOCKET_PORT_UNSUPPORTED', message }),
    )
  })
})

const privileges = rootSkipReason()

describe(...requireOrSkip('a user without privileges', privileges), () => {
  /** What came of `listen` as nobody. */
  async function listenAsNobody(
    target: ListenOptions,
    command: readonly string[] = [],
  ): Promise<unknown> {
    const env = { TARGET: JSON.stringify(target) }
    const line = [...command, process.execPath, fixture('core-nobody.mjs')]
    const child = startGeneration({ command: line, env })
    const { outcome } = await child.ready()
    expect(child.stderr).toBe('')
    return outcome
  }

  it('is told how to get a port below 1024', async () => {
    // A container may have lowered net.ipv4.ip_unprivileged_port_start; a new network has not.
    expect(await listenAsNobody({ port: 80 }, ['unshare', '--net'])).toEqual({
      code: 'EACCES',
      message:
        'cannot listen on port 80 (EACCES): ports below 1024 need a privilege; let systemd open the socket ' +
        '(ListenStream=) and inherit it, give CAP_NET_BIND_SERVICE, or choose a higher port',
    })
  })

  it('is told that a port is in use by somebody whom it cannot see', async () => {
    const listener = openListener()
    const { port } = listener
    expect(await listenAsNobody({ port })).toEqual({
      code: 'EADDRINUSE',
      message:
        `cannot listen on port ${port} (EADDRINUSE): in use; who holds it cannot be seen from here; ` +
        'find it as root (ss -ltnp), or choose another port',
    })
    listener.close()
  })

  it('is told that it may not write to a directory', async () => {
    chmodSync(directory, 0o755)
    const path = join(directory, 'app.sock')
    expect(await listenAsNobody({ path })).toEqual({
      code: 'EACCES',
      message:
        `cannot listen on path ${path} (EACCES): the directory must exist and be writable for this user; ` +
        'create it, or choose another one',
    })
  })

  it('listens where it may', async () => {
    expect(await listenAsNobody({ port: 0 })).toBe('listening')
  })
})

describe(
  ...requireOrSkip('a network of its own', privileges ?? commandSkipReason('unshare')),
  () => {
    it('without IPv6: IPv4 is served', async () => {
      const script =
        'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && ip link set lo up && exec "$0" "$@"'
      const line = [
        'unshare',
        '--net',
        'sh',
        '-c',
        script,
        process.execPath,
        fixture('core-again.mjs'),
      ]
      const child = startGeneration({ command: line, env: { PORT: '0' } })
      const { rounds } = await child.ready()
      expect(rounds).toEqual(Array(5).fill(expect.stringMatching(/^served \d+$/)))
      expect(child.stderr).toBe('')
    })

    it('with one link-local address on two interfaces: each zone is its own', async () => {
      const script =
        'ip link set lo up && ip link add d0 type bridge && ip link set d0 up && ' +
        'for i in lo d0; do ip addr add fe80::77/64 dev $i nodad || exit; done && exec "$0" "$@"'
      const node = [process.execPath, fixture('core-zones.mjs')]
      const child = startGeneration({ command: ['unshare', '--net', 'sh', '-c', script, ...node] })
      expect(await child.ready()).toMatchObject({ answers: ['lo', 'd0'] })
      expect(child.stderr).toBe('')
    })
  },
)

describe('a signal while the port is being freed', () => {
  it('ends the process with 0, and the holder is not ended any more', async () => {
    const holder = startGeneration({ script: fixture('core-stubborn.mjs') })
    const { port = 0 } = await holder.ready()
    const script = fixture('core-kill-port.mjs')
    const server = startGeneration({ script, env: { PORT: String(port) } })
    await holder.printed(/SIGTERM ignored/)
    server.signal('SIGTERM')
    expect(await server.exit).toMatchObject({ code: 0, signal: null })
    expect(server.stdout).toBe('hook SIGTERM\n')
    expect(await replyFrom({ port })).toBe('still here')
  })
})
