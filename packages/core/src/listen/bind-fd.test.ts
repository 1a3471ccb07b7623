import { closeSync, lstatSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join, relative } from 'node:path'
import { linuxSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadLibc } from '../sockets/libc.ts'
import { nativeSystem } from '../sockets/native.ts'
import {
  closeAll,
  descriptors,
  isCloseOnExec,
  onClose,
  openServer,
  temporaryDirectory,
} from '../testing/real-sockets.ts'
import { bindFd, openBound } from './bind-fd.ts'
import { type ListenTarget, resolveListen } from './options.ts'

vi.mock('../sockets/libc.ts', async (original) => {
  const real: typeof import('../sockets/libc.ts') = await original()
  return { ...real, loadLibc: vi.fn(real.loadLibc) }
})

afterEach(closeAll)

async function bound(target: ListenTarget): Promise<number> {
  const fd = await bindFd(target)
  onClose(() => closeSync(fd))
  return fd
}

const factsOf = (fd: number): unknown => nativeSystem(loadLibc()).describe(fd)

/** What a server on the fd answers to a client that connects there. */
async function servedOn(fd: number, to: { port: number; host: string } | { path: string }) {
  const server = createServer((socket) => socket.end('served'))
  await new Promise<void>((resolve) => server.listen({ fd }, resolve))
  const answer = await new Promise<string>((resolve, reject) => {
    connect(to).on('error', reject).setEncoding('utf8').on('data', resolve)
  })
  await new Promise((closed) => server.close(closed))
  return answer
}

describe(...requireOrSkip('bindFd', linuxSkipReason()), () => {
  it('binds IPv6 and IPv4 at once, close-on-exec, with the backlog of listen', async () => {
    const fd = await bound(0)
    expect(factsOf(fd)).toEqual({
      family: 'IPv6',
      stream: true,
      listening: true,
      address: '::',
      port: expect.any(Number),
      path: undefined,
      ipv6Only: false,
      backlog: 1024,
      queueLength: 0,
    })
    expect(isCloseOnExec(fd)).toBe(true)
  })

  it.each(['127.0.0.1', '::1'])('is served to %s', async (host) => {
    const fd = await bindFd(0)
    const { port } = factsOf(fd) as { port: number }
    expect(await servedOn(fd, { port, host })).toBe('served')
  })

  it.each<[string, ListenTarget, object]>([
    ['an IPv4 address', { host: '127.0.0.1' }, { family: 'IPv4', address: '127.0.0.1' }],
    ['an IPv6 address', { host: '::1', ipv6Only: true }, { address: '::1', ipv6Only: true }],
    ['a host name', { host: 'localhost' }, { port: expect.any(Number), listening: true }],
    ['IPv6 alone', { ipv6Only: true }, { address: '::', ipv6Only: true }],
    ['a backlog', { backlog: 7 }, { backlog: 7 }],
    ['an abstract path', { path: `@bind-fd-${process.pid}` }, { path: `@bind-fd-${process.pid}` }],
  ])('takes %s', async (_, target, facts) => {
    expect(factsOf(await bound(target))).toMatchObject(facts)
  })

  const linkLocal = Object.entries(networkInterfaces())
    .flatMap(([name, all = []]) => all.map(({ address }) => ({ name, address })))
    .find(({ address }) => address.startsWith('fe80:'))

  const noLinkLocal = linkLocal ? undefined : 'no interface has a link-local address'

  describe(...requireOrSkip('of an interface', noLinkLocal), () => {
    it('takes an address with its zone', async () => {
      const fd = await bound({ host: `${linkLocal?.address}%${linkLocal?.name}` })
      expect(factsOf(fd)).toMatchObject({ address: linkLocal?.address })
    })
  })

  it.each(['fe80::1', 'fe80::1%nowhere', 'fe80::1%0'])(
    'says which interfaces there are for %s',
    async (host) => {
      await expect(bindFd({ host })).rejects.toMatchObject({
        code: 'EINVAL',
        message: expect.stringMatching(
          /one network interface: .*as in fe80::1%eth0 \(there are .*lo/,
        ),
      })
    },
  )

  it('lets a port be bound twice with reusePort', async () => {
    const { port } = factsOf(await bound({ reusePort: true })) as { port: number }
    expect(factsOf(await bound({ port, reusePort: true }))).toMatchObject({ port })
    await expect(bindFd(port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('binds a unix path with its mode, where a stale file was', async () => {
    const path = join(temporaryDirectory(), 'app.sock')
    closeSync(await bindFd({ path }))
    expect(lstatSync(path).isSocket()).toBe(true)
    const fd = await bound({ path, mode: 0o640 })
    expect(factsOf(fd)).toMatchObject({ family: 'unix', path, listening: true })
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  it('binds a relative path as an absolute one, so that the next process finds it', async () => {
    const path = join(temporaryDirectory(), 'app.sock')
    const fd = await bound({ path: relative(process.cwd(), path) })
    expect(factsOf(fd)).toMatchObject({ path })
  })

  it('names the process that has the address, with the error of Node as its cause', async () => {
    const { server } = await openServer({ port: 0, host: '127.0.0.1' })
    const { port } = server.address() as { port: number }
    const theirs = await new Promise<NodeJS.ErrnoException>((resolve) => {
      createServer().on('error', resolve).listen(port, '127.0.0.1')
    })
    const before = descriptors()
    const error = await bindFd({ port, host: '127.0.0.1' }).catch((error) => error)
    expect(error).toMatchObject({
      code: 'EADDRINUSE',
      port,
      message: expect.stringContaining('(EADDRINUSE): it is held by this process itself'),
    })
    const { code, errno, syscall, message, address } = theirs as unknown as Record<string, unknown>
    expect({ ...error.cause, message: error.cause.message }).toEqual({
      code,
      errno,
      syscall,
      message,
      address,
      port,
    })
    expect(descriptors()).toEqual(before)
  })

  it.each([
    { path: '/none/app.sock' },
    { path: '/dev/null/app.sock' },
    { port: 0, host: '192.0.2.1' },
    { port: 0, host: 'none.invalid' },
  ])('fails with the code of listen for %j', async (target) => {
    const before = descriptors()
    const { code } = await new Promise<NodeJS.ErrnoException>((resolve) => {
      createServer().on('error', resolve).listen(target)
    })
    await expect(bindFd(target)).rejects.toMatchObject({ code })
    expect(descriptors()).toEqual(before)
  })

  it('returns at once if there is nothing to wait for', () => {
    const fd = openBound(resolveListen({ host: '127.0.0.1' }))
    onClose(() => closeSync(fd as number))
    expect(factsOf(fd as number)).toMatchObject({ listening: true })
  })

  it('opens nothing once its signal is aborted', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(bindFd({ host: 'localhost', signal })).rejects.toThrow('enough')
  })

  it('falls back to IPv4 where the kernel has no IPv6', async () => {
    const real = loadLibc()
    const socket = (domain: number, type: number, protocol: number): number =>
      real.socket(domain === 10 ? 255 : domain, type, protocol)
    vi.mocked(loadLibc).mockReturnValueOnce({ ...real, socket })
    expect(factsOf(await bound(0))).toMatchObject({ family: 'IPv4', address: '0.0.0.0' })
  })
})

it('says what is missing if libc cannot be used', async () => {
  vi.mocked(loadLibc).mockImplementationOnce(() => {
    throw new Error('Cannot find module\nRequire stack')
  })
  await expect(bindFd(0)).rejects.toMatchObject({
    code: 'ERR_SOCKET_PORT_UNSUPPORTED',
    message: expect.stringContaining('libc cannot be used (Cannot find module)'),
  })
})
