import { isIPv4 } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SocketPortError } from '../../../packages/core/src/base/errors.ts'
import type { ListenOptions, Logger } from '../../../packages/core/src/base/types.ts'
import { type InheritedListener, takeInherited } from '../../../packages/core/src/listen/inherit.ts'
import { resolveListen } from '../../../packages/core/src/listen/options.ts'
import { listInherited } from '../../../packages/core/src/listen/socket-registry.ts'
import { type Chance, type EnvironmentCase, environmentCase, forSeeds, OWN } from './cases.ts'
import { FakeSystem, HOSTS, INODE, PATHS, PORTS } from './system.ts'

const VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_PIDFDID', 'LISTEN_FDNAMES']
const KEYS = ['environment/1', 'inherited-sockets/1'].map((name) =>
  Symbol.for(`@socket-port/core/${name}`),
)

// What the mocked modules see: the system of the case that runs.
const world = vi.hoisted(() => ({ system: undefined as unknown }))
const system = (): FakeSystem => world.system as FakeSystem

vi.mock(import('../../../packages/core/src/sockets/system.ts'), () => ({
  socketSystem: () => system(),
}))

vi.mock(import('node:fs'), async (original) => {
  const fs = await original()
  const readdirSync = (path: string): string[] =>
    path === '/proc/self/fd' ? system().open.map(String) : fs.readdirSync(path)
  return { ...fs, readdirSync: readdirSync as typeof fs.readdirSync }
})

afterEach(clearAll)

/** As in a new process. */
function clearAll(): void {
  for (const key of KEYS) Reflect.deleteProperty(globalThis, key)
  for (const name of Object.keys(process.env)) {
    if (/listen_fd|listen_pid/i.test(name)) delete process.env[name]
  }
}

function setEnvironment({ env }: EnvironmentCase): void {
  for (const [name, value] of Object.entries(env)) {
    const own = name === 'LISTEN_PID' ? String(process.pid) : String(INODE)
    process.env[name] = value === OWN ? own : value
  }
}

// IPv6 alone on an IPv4 host is refused before any socket is looked at.
const anyHost = (host: string | undefined, ipv6Only: boolean): ListenOptions => ({
  host,
  ipv6Only: ipv6Only && !isIPv4(host ?? ''),
})

function anyRequest({ pick, number }: Chance): ListenOptions {
  const place = pick([{}, { port: pick(PORTS) }, { port: 9000 }, { path: pick(PATHS) }])
  return {
    ...place,
    ...(number(3) === 0 && { name: pick(['web', 'admin', '__proto__']) }),
    ...anyHost(pick([undefined, undefined, ...HOSTS, 'localhost', 'app.example']), number(4) === 0),
    ...(number(6) === 0 && { shared: true }),
    ...(number(4) === 0 && { inherit: pick(['require', 'never'] as const) }),
  }
}

const MAY_FAIL = [
  'ERR_SOCKET_PORT_AMBIGUOUS',
  'ERR_SOCKET_PORT_NOT_INHERITED',
  'ERR_SOCKET_PORT_SYSCALL',
  'ERR_SOCKET_PORT_UNSUPPORTED',
]

/** Takes a socket, or nothing; whatever else happens is a failure. */
function take(request: ListenOptions): InheritedListener | undefined {
  try {
    return takeInherited(resolveListen(request))
  } catch (error) {
    expect(error).toBeInstanceOf(SocketPortError)
    expect((error as SocketPortError).code).toBeOneOf(MAY_FAIL)
    return undefined
  }
}

describe('ten thousand environments', () => {
  it('are read without a throw, are cleared, and only what was passed is touched', async () => {
    const seen = { absent: 0, refused: 0, passed: 0, taken: 0 }
    await forSeeds(10_000, (chance) => {
      clearAll()
      const example = environmentCase(chance)
      const fake = new FakeSystem(chance, Math.min(example.count, 12))
      world.system = fake
      const warnings: string[] = []
      const logger: Logger = {
        ...console,
        debug() {},
        info() {},
        warn: (text) => void warnings.push(text),
      }
      setEnvironment(example)
      seen[example.expected] += 1

      const sockets = listInherited(logger)

      expect(VARIABLES.filter((name) => name in process.env)).toEqual([])
      for (const [name, value] of Object.entries(example.env)) {
        if (!VARIABLES.includes(name)) expect(process.env[name]).toBe(value)
      }
      const passed = example.expected === 'passed' ? example.count : 0
      const ours = fake.open.filter((fd) => fd >= 3 && fd < 3 + passed)
      expect(sockets.map(({ fd, name }) => [fd, name])).toEqual(
        ours.map((fd) => [fd, example.names?.[fd - 3] ?? 'unknown']),
      )
      if (example.expected === 'absent') expect(warnings).toEqual([])
      if (example.expected === 'refused') {
        expect(warnings).toEqual([expect.stringMatching(/^no socket is inherited: [^\p{Cc}]+$/u)])
        expect(warnings[0]?.length).toBeLessThan(400)
      }

      const held = new Map<number, InheritedListener[]>()
      for (let step = chance.number(8); step > 0; step -= 1) {
        const request = anyRequest(chance)
        const taken = take({ ...request, logger })
        if (taken === undefined) continue
        seen.taken += 1
        const { fd } = taken.entry
        const others = held.get(fd) ?? []
        // Only a socket that may be shared has two takers, and each has a descriptor of its own.
        if (others.length > 0) expect(request.shared).toBe(true)
        expect(others.map((other) => other.fd)).not.toContain(taken.fd)
        expect(fake.made.get(taken.fd) ?? taken.fd).toBe(fd)
        held.set(fd, [...others, taken])
        if (chance.number(3) === 0) {
          const [first, ...rest] = held.get(fd) ?? []
          first?.release()
          first?.release()
          held.set(fd, rest)
        }
      }
      for (const socket of listInherited(logger)) {
        expect(socket.taken).toBe((held.get(socket.fd)?.length ?? 0) > 0)
      }
      expect(fake.described.filter((fd) => !ours.includes(fd))).toEqual([])
      expect(fake.changed.filter((fd) => !ours.includes(fd) || !fake.isUsable(fd))).toEqual([])
    })
    // The cases are worth something only if all of it happens often.
    if (process.env.FUZZ_CASES === undefined) {
      for (const often of Object.values(seen)) expect(often).toBeGreaterThan(400)
    }
  })
})
