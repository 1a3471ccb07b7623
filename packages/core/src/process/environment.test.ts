import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { claim, claimedVariables, type Group, look } from './environment.ts'

const OURS = {
  sockets: {
    LISTEN_FDS: '1',
    LISTEN_PID: '2',
    LISTEN_PIDFDID: '3',
    LISTEN_FDNAMES: 'web',
  },
  restart: { SOCKET_PORT_SUCCESSOR: 'running', SOCKET_PORT_RESTART_SIGNAL: 'SIGUSR2' },
  notifications: {
    NOTIFY_SOCKET: '/run/notify',
    WATCHDOG_USEC: '1',
    WATCHDOG_PID: '',
    FDSTORE: '8',
    SOCKET_PORT_CHANNEL: '5,6',
  },
  ask: { SOCKET_PORT_ASK: '/run/ask' },
}
const ALL: Record<string, string> = Object.assign({}, ...Object.values(OURS))
// They describe the process, and stay for it and its children.
const OTHERS = {
  LISTEN_PORT: '80',
  SOCKET_PORT_GENERATION: '1',
  SOCKET_PORT_WORKER: '2',
  SOCKET_PORT_TERMINAL: '1',
  INVOCATION_ID: 'x',
  SYSTEMD_EXEC_PID: '3',
}
const NAMES = Object.keys({ ...ALL, ...OTHERS })

const environment = (): Record<string, string | undefined> =>
  Object.fromEntries(
    NAMES.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])),
  )

/** Makes this process one that has just been started with these variables. */
function startedWith(variables: Record<string, string>): void {
  Reflect.deleteProperty(globalThis, Symbol.for('@socket-port/core/environment/1'))
  for (const name of NAMES) delete process.env[name]
  Object.assign(process.env, variables)
}

afterEach(() => startedWith({}))

describe.each(Object.keys(OURS) as Group[])('the variables of %s', (group) => {
  const rest = Object.fromEntries(Object.entries(ALL).filter(([name]) => !(name in OURS[group])))

  it('are claimed together, and no others with them', () => {
    startedWith({ ...ALL, ...OTHERS })
    expect(claim(group)).toEqual(OURS[group])
    expect(environment()).toEqual({ ...rest, ...OTHERS })
    expect(claimedVariables()).toEqual(OURS[group])
  })

  it('are claimed once: what is set later is for a child process', () => {
    startedWith({ ...ALL })
    claim(group)
    Object.assign(process.env, OURS[group])
    for (const name of Object.keys(OURS[group])) process.env[name] = 'later'
    expect(claim(group)).toEqual(OURS[group])
    expect(look(group)).toEqual(OURS[group])
    expect(process.env).toMatchObject(
      Object.fromEntries(Object.keys(OURS[group]).map((name) => [name, 'later'])),
    )
  })

  it('are not claimed by look()', () => {
    startedWith({ ...ALL, ...OTHERS })
    expect(look(group)).toEqual(OURS[group])
    expect(environment()).toEqual({ ...ALL, ...OTHERS })
    expect(claimedVariables()).toEqual({})
  })

  it('are claimed once by all copies of the package', async () => {
    startedWith(ALL)
    claim(group)
    vi.resetModules()
    const copy = await import('./environment.ts')
    expect(copy.claim).not.toBe(claim)
    expect(copy.claim(group)).toEqual(OURS[group])
    expect(copy.look(group)).toEqual(OURS[group])
  })

  it('may be absent, some or all of them', () => {
    startedWith({})
    expect(claim(group)).toEqual({})
    Object.assign(process.env, OURS[group])
    expect(claim(group)).toEqual({})
  })
})

describe('the source of the package', () => {
  const source = new URL('..', import.meta.url)
  const others = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.test)\.ts$/.test(file) && !file.startsWith('testing/'))
    .filter((file) => file !== 'process/environment.ts')
    .map((file) => [file, readFileSync(new URL(file, source), 'utf8')] as const)

  it('changes the environment nowhere else', () => {
    const changes = /delete (process\.)?env\b|process\.env(\.\w+|\[[^\]]+\]) =[^=]/
    expect(others.filter(([, text]) => changes.test(text)).map(([file]) => file)).toEqual([])
  })

  it('reads these variables of its own process nowhere else', () => {
    const names = Object.keys(ALL).join('|')
    const reads = new RegExp(
      `process\\.env(\\.|\\[')(${names})\\b|\\{[^}]*\\b(${names})\\b[^}]*\\} = process\\.env`,
    )
    expect(others.filter(([, text]) => reads.test(text)).map(([file]) => file)).toEqual([])
  })
})

it('is described in docs/architecture.md, group by group', () => {
  const docs = new URL('../../../../docs/architecture.md', import.meta.url)
  const [, section = ''] = readFileSync(docs, 'utf8').split('\n## The variables of the manager\n')
  const [table = ''] = section.split('\n## ')
  const rows = [...table.matchAll(/^\| `(\w+)` \| (`[^|]+`) \|/gm)]
  expect(
    Object.fromEntries(rows.map(([, group, names = '']) => [group, names.match(/\w+/g)])),
  ).toEqual(
    Object.fromEntries(Object.entries(OURS).map(([group, values]) => [group, Object.keys(values)])),
  )
})
