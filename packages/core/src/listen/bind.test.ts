import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireOrSkip, unixSkipReason } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SocketPortError } from '../base/errors.ts'
import { bindOptions, explainBindError, prepareToBind, withMode } from './bind.ts'
import { type ListenTarget, resolveListen } from './options.ts'

const nodeError = (code: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`listen ${code}`), { code, errno: -1, syscall: 'listen' })

const explain = (code: string, target: ListenTarget): Error =>
  explainBindError(nodeError(code), resolveListen(target))

describe('bindOptions', () => {
  const common = { backlog: 1024, exclusive: false }

  it.each<[string, ListenTarget, object]>([
    ['no host, so that Node falls back to IPv4 alone where it must', 80, { port: 80 }],
    ['the host that was asked for', { port: 80, host: '::1' }, { port: 80, host: '::1' }],
    [
      'IPv6 alone, which has no fall-back',
      { ipv6Only: true },
      { port: 0, host: '::', ipv6Only: true },
    ],
    [
      'IPv6 alone at a host',
      { host: '::1', ipv6Only: true },
      { port: 0, host: '::1', ipv6Only: true },
    ],
    ['a port that is shared', { port: 80, reusePort: true }, { port: 80, reusePort: true }],
    ['a path as it was given', { path: './app.sock' }, { path: './app.sock' }],
    ['the backlog', { backlog: 7 }, { port: 0, backlog: 7 }],
    ['a port of its own in a cluster', { exclusive: true }, { port: 0, exclusive: true }],
  ])('has %s', (_, target, expected) => {
    expect(bindOptions(resolveListen(target))).toEqual({ ...common, ...expected })
  })
})

describe('prepareToBind', () => {
  afterEach(() => void vi.unstubAllGlobals())

  const onNode = (version: string): void => {
    vi.stubGlobal('process', { ...process, version: `v${version}`, versions: { node: version } })
  }

  it.each(['20.19.0', '22.11.0', '23.0.0'])('refuses reusePort on Node %s', (version) => {
    onNode(version)
    expect(() => prepareToBind(resolveListen({ reusePort: true }))).toThrowError(
      expect.objectContaining({
        code: 'ERR_SOCKET_PORT_UNSUPPORTED',
        message: `reusePort needs Node 22.12 or 23.1; this is v${version}, which would ignore it. Upgrade Node, or share one inherited socket instead`,
      }),
    )
  })

  it.each(['22.12.0', '23.1.0', '24.0.0', '26.10.0'])('takes reusePort on Node %s', (version) => {
    onNode(version)
    expect(prepareToBind(resolveListen({ reusePort: true }))).toBeUndefined()
  })

  it.each<ListenTarget>([
    0,
    8080,
    { port: 0, killPort: true },
    { path: '@app' },
    { path: './none.sock' },
  ])('has nothing to do for %j, and nothing to wait for', (target) => {
    expect(prepareToBind(resolveListen(target))).toBeUndefined()
  })
})

describe(...requireOrSkip('withMode', unixSkipReason()), () => {
  it.each([0o600, 0o660, 0o666, 0o777])('makes a unix socket of mode %o', async (mode) => {
    const directory = mkdtempSync(join(tmpdir(), 'socket-port-'))
    const path = join(directory, 'app.sock')
    const server = createServer()
    const umask = process.umask()
    withMode(mode, () => server.listen(path))
    expect(process.umask()).toBe(umask)
    expect(statSync(path).mode & 0o777).toBe(mode)
    await new Promise((closed) => server.close(closed))
    rmSync(directory, { recursive: true })
  })

  it('restores the umask when the bind throws', () => {
    const umask = process.umask()
    const fail = (): void => {
      throw new Error('refused')
    }
    expect(() => withMode(0o600, fail)).toThrow('refused')
    expect(process.umask()).toBe(umask)
  })

  it('does not change the umask without a mode', () => {
    const umask = process.umask()
    withMode(undefined, () => expect(process.umask()).toBe(umask))
  })
})

describe('explainBindError', () => {
  it.each<[code: string, target: ListenTarget, message: string]>([
    [
      'EACCES',
      80,
      'cannot listen on port 80 (EACCES): ports below 1024 need a privilege; let systemd open the socket ' +
        '(ListenStream=) and inherit it, give CAP_NET_BIND_SERVICE, or choose a higher port',
    ],
    [
      'EACCES',
      { port: 8080, host: '10.0.0.1' },
      'cannot listen on port 8080 on 10.0.0.1 (EACCES): this user may not bind the address; ' +
        'choose another port or ask the administrator of the machine',
    ],
    [
      'EACCES',
      { path: '/run/app.sock' },
      'cannot listen on path /run/app.sock (EACCES): the directory must exist and be writable for this user; ' +
        'create it, or choose another one',
    ],
    [
      'EADDRNOTAVAIL',
      { port: 80, host: '10.0.0.1', name: 'web' },
      'cannot listen on port 80 on 10.0.0.1 named "web" (EADDRNOTAVAIL): no interface of this machine ' +
        'has the address; choose one of its own, or none',
    ],
    [
      'ENOTFOUND',
      { port: 80, host: 'app.invalid' },
      'cannot listen on port 80 on app.invalid (ENOTFOUND): the host name does not resolve; ' +
        'pass an address, or no host to serve every address',
    ],
    [
      'EADDRINUSE',
      { path: '/nobody/listens/here.sock' },
      'cannot listen on path /nobody/listens/here.sock (EADDRINUSE): in use; who holds it cannot be ' +
        'seen from here; stop that process or choose another path',
    ],
  ])('says the reason and the fix for %s on %j', (code, target, message) => {
    expect(explain(code, target).message).toBe(message)
  })

  it("keeps the code and the properties of Node's error", () => {
    const error = explain('EADDRNOTAVAIL', { port: 80, host: '10.0.0.1' })
    expect(error).toBeInstanceOf(SocketPortError)
    expect(error).toMatchObject({
      code: 'EADDRNOTAVAIL',
      port: 80,
      address: '10.0.0.1',
      syscall: 'listen',
      errno: -1,
      cause: { message: 'listen EADDRNOTAVAIL' },
    })
    expect(explain('ENOTDIR', { path: '/a/b' })).toMatchObject({ path: '/a/b' })
    expect('port' in explain('ENOTDIR', { path: '/a/b' })).toBe(false)
  })

  it('returns an error that it cannot explain as it is', () => {
    const error = nodeError('ENOBUFS')
    expect(explainBindError(error, resolveListen(80))).toBe(error)
    const abort = new Error('aborted')
    expect(explainBindError(abort, resolveListen(80))).toBe(abort)
  })

  it('explains the codes that docs/errors.md lists', () => {
    const text = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
    const kept = [...text.matchAll(/^\| `(E(?!RR_)[A-Z_]+)` \|/gm)].map(([, code = '']) => code)
    expect(kept).toContain('EADDRINUSE')
    for (const code of kept) {
      // Of a link-local address alone is it known what is wrong.
      const { message } = explain(code, { port: 8080, host: code === 'EINVAL' ? 'fe80::1' : 'x' })
      expect(message).toMatch(/^cannot listen on port 8080 /)
      expect(message).toContain(`(${code}): `)
    }
  })
})
